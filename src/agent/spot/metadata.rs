//! The instance metadata service, in its second version: tokens, their renewal and the first version's absence are the
//! AWS SDK's business.

use std::time::Duration;

use aws_config::imds::client::error::ImdsError;
use aws_config::imds::client::{Client, SensitiveString};

/// The metadata service.
#[derive(Debug, Clone)]
pub(crate) struct Metadata {
    endpoint: String,
    client: Client,
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answer {
    /// This.
    Text(String),
    /// There is no such thing: no notice, no address, not a spot instance.
    Nothing,
    /// It does not answer, or not properly.
    Silent(String),
}

impl Metadata {
    /// Nothing is asked yet. `Err`: the address is none.
    pub(crate) fn new(endpoint: &str) -> Result<Self, String> {
        Ok(Self {
            endpoint: endpoint.to_owned(),
            client: client(endpoint)?,
        })
    }

    /// One question, such as `spot/instance-action`.
    pub(crate) async fn get(&mut self, name: &str) -> Answer {
        let path = format!("/latest/meta-data/{name}");
        match self.client.get(&path).await {
            // The SDK keeps a token until its time is over, valid or not: a new client has a new one.
            Err(error) if status(&error) == Some(401) => {
                if let Ok(fresh) = client(&self.endpoint) {
                    self.client = fresh;
                }
                answer(self.client.get(&path).await)
            }
            other => answer(other),
        }
    }
}

fn client(endpoint: &str) -> Result<Client, String> {
    let client = Client::builder()
        .endpoint(endpoint)
        .map_err(|error| error.to_string())?
        // Whoever asks asks again in a few seconds.
        .max_attempts(1)
        .connect_timeout(Duration::from_secs(1))
        .read_timeout(Duration::from_secs(2))
        .build();
    Ok(client)
}

fn status(error: &ImdsError) -> Option<u16> {
    match error {
        ImdsError::ErrorResponse(answer) => Some(answer.response().status().as_u16()),
        _ => None,
    }
}

fn answer(result: Result<SensitiveString, ImdsError>) -> Answer {
    let error = match result {
        Ok(text) => return Answer::Text(text.as_ref().to_owned()),
        Err(error) => error,
    };
    match status(&error) {
        Some(404) => Answer::Nothing,
        Some(status) => Answer::Silent(format!("it answers with status {status}")),
        None => {
            let source = std::error::Error::source(&error);
            let source = source.map_or_else(String::new, |source| format!(": {source}"));
            Answer::Silent(format!("{error}{source}").chars().take(300).collect())
        }
    }
}
