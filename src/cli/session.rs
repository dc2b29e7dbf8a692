//! One lab at hand: its profile, its files, its cloud. Every command that touches a lab opens one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::OnceCell;

use super::agents::AgentPlaces;
use super::error::CliError;
use super::profile_file::{beside, read_lab};
use super::settings::Settings;
use super::target::Target;
use crate::apply::Introduced;
use crate::aws;
use crate::inventory::Identity;
use crate::lab::AtHand;
use crate::model::{Failure, Region, RetryPolicy, SecretSource};
use crate::plan::Notice;
use crate::port::{Clock, Cloud, Hosts, Parameters, TokioClock, WhoAmI};
use crate::profile::{self, Profile, ProfileProblem};
use crate::sandbox::{self, PlayedHosts, Sandbox, Scenario, ScenarioError};
use crate::ssh::Ssh;
use crate::state::Lockfile;
use crate::store::{self, Paths, Shared};
use crate::ui::Circumstances;

/// A lab at hand.
#[derive(Debug)]
pub(super) struct Session {
    /// The profile.
    pub(super) profile: Profile,
    /// The profile's text.
    pub(super) text: String,
    /// What is odd about the profile, but not wrong.
    pub(super) warnings: Vec<ProfileProblem>,
    /// Where the lab's files are.
    pub(super) paths: Paths,
    /// Where the lockfile is, or was, without shared state; `paths.lockfile` is a copy of the shared one.
    pub(super) local_lockfile: PathBuf,
    /// Where the state is shared, if it is.
    pub(super) shared: Option<Shared>,
    /// The cloud.
    pub(super) cloud: Arc<dyn Cloud>,
    /// Reads the user's parameters.
    pub(super) parameters: Arc<dyn Parameters>,
    /// What is known of the secrets of its stacks and of the agent, once they were looked at.
    pub(super) known: OnceCell<Known>,
    /// Where the agent's programs are looked for.
    pub(super) agents: AgentPlaces,
    /// Who tells the operator's address.
    pub(super) whoami: Arc<dyn WhoAmI>,
    /// Reaches the lab's hosts.
    pub(super) hosts: Arc<dyn Hosts>,
    /// How to reach the cloud's other services.
    pub(super) connection: aws::Settings,
    /// The AWS profile that the user has named.
    aws_profile: Option<String>,
    /// The user's home, for files that are named from there.
    pub(super) home: Option<PathBuf>,
    /// The clock.
    pub(super) clock: Arc<dyn Clock>,
    /// How patient the engine is.
    pub(super) policy: RetryPolicy,
    /// Public keys that may log in; empty if one is to be made for the lab.
    pub(super) public_keys: Vec<String>,
    /// The files of the public keys that the profile lists.
    pub(super) public_key_paths: Vec<PathBuf>,
    /// How old an intent must be before its absence counts.
    pub(super) suspect_age: Duration,
}

/// The name of the sandbox's endpoint.
pub(super) const SANDBOX: &str = "sandbox";

/// What is at hand beside the profile.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// What tells the values of secrets, and the agent's programs.
    pub(super) at_hand: AtHand,
    /// One notice for each program that is not there.
    pub(super) missing: Vec<Notice>,
    /// One notice for each secret that is not there.
    pub(super) unread: BTreeMap<SecretSource, Notice>,
}

/// A profile with problems: they are shown whole, before the error.
#[derive(Debug)]
pub(super) struct BadProfile {
    /// The profile's path.
    pub(super) path: PathBuf,
    /// Its text.
    pub(super) text: String,
    /// Everything that is wrong or odd.
    pub(super) problems: Vec<ProfileProblem>,
}

/// Why no session could be opened.
#[derive(Debug)]
pub(super) enum OpenError {
    /// The profile has problems.
    Profile(BadProfile),
    /// Something else.
    Other(CliError),
}

impl<E: Into<CliError>> From<E> for OpenError {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

impl Session {
    /// What a failed call means for the user of this lab.
    pub(super) fn told(&self, failure: &Failure) -> CliError {
        CliError::from_failure(
            failure,
            &Circumstances {
                region: &self.profile.region,
                launch: None,
                aws_profile: self.aws_profile.as_deref(),
            },
        )
    }

    /// Refuses a lockfile that is another lab's, another account's or another region's.
    pub(super) fn check_belongs(
        &self,
        recorded: Option<&Lockfile>,
        identity: &Identity,
    ) -> Result<(), CliError> {
        let Some(lock) = recorded else {
            return Ok(());
        };
        let (account, region) = (&identity.account, &identity.region);
        lock.check_belongs(&self.profile.name, account, region, &identity.endpoint)?;
        Ok(())
    }

    /// The lockfile's place, as it is shown.
    pub(super) fn shared_url(&self) -> String {
        match &self.shared {
            Some(shared) => shared.url(),
            None => self.paths.lockfile.display().to_string(),
        }
    }

    /// The bucket that the profile names.
    pub(super) fn bucket_name(&self) -> &str {
        let state = self.profile.state.as_ref();
        state.map_or("", |state| state.bucket.as_str())
    }

    /// Opens the lab that `target` points at.
    pub(super) async fn open(target: &Target, settings: &Settings) -> Result<Self, OpenError> {
        let (text, mut parsed) = read_lab(&target.profile, settings)?;
        match parsed.profile.take() {
            Some(profile) => Self::around(target, settings, (text, profile, parsed.problems)).await,
            None => Err(bad_profile(target, text, parsed.problems)),
        }
    }

    /// The same for a command that runs no bootstrap step. A machine that costs money can be stopped although a script
    /// is missing; what is wrong with the steps comes back too.
    pub(super) async fn open_without_steps(
        target: &Target,
        settings: &Settings,
    ) -> Result<(Self, Vec<ProfileProblem>), OpenError> {
        let (text, mut parsed) = read_lab(&target.profile, settings)?;
        let profile = parsed.profile.take().or(parsed.without_steps.take());
        let Some(profile) = profile else {
            return Err(bad_profile(target, text, parsed.problems));
        };
        let is_error = |problem: &ProfileProblem| problem.severity == profile::Severity::Error;
        let (wrong, odd) = parsed.problems.into_iter().partition(is_error);
        let session = Self::around(target, settings, (text, profile, odd)).await?;
        Ok((session, wrong))
    }

    /// Everything that stands around a profile.
    async fn around(
        target: &Target,
        settings: &Settings,
        (text, profile, warnings): (String, Profile, Vec<ProfileProblem>),
    ) -> Result<Self, OpenError> {
        let paths = Paths::new(&target.profile, target.lockfile.as_deref(), target.sandbox);
        let public_key_paths = public_key_paths(&profile, &paths, settings);
        let public_keys = public_keys(&public_key_paths, &paths)?;
        let clock: Arc<dyn Clock> = Arc::new(TokioClock);
        let surroundings = if target.sandbox {
            Surroundings::sandbox(target, &paths, &profile, &clock).await?
        } else {
            Surroundings::aws(target, &paths, &profile, &clock).await?
        };
        let Surroundings {
            cloud,
            parameters,
            whoami,
            hosts,
            suspect_age,
            connection,
        } = surroundings;
        let local_lockfile = paths.lockfile.clone();
        let mut paths = paths;
        let mut shared = None;
        if let Some(state) = &profile.state {
            let bucket = aws::Bucket::connect(&connection, &state.bucket).await;
            let bucket = bucket.map_err(|failure| {
                CliError::from_failure(&failure, &circumstances(target, &profile.region))
            })?;
            shared = Some(Shared::new(Arc::new(bucket), &state.prefix, &profile.name));
            paths = paths.with_shared_state();
        }
        let hosts = Introduced::new(hosts, Arc::clone(&cloud), Arc::clone(&clock));
        Ok(Self {
            local_lockfile,
            shared,
            connection,
            text,
            warnings,
            cloud,
            parameters,
            known: OnceCell::new(),
            agents: AgentPlaces::new(target),
            home: settings.home.clone(),
            whoami,
            hosts: Arc::new(hosts),
            policy: RetryPolicy::default(),
            aws_profile: target.aws_profile.clone(),
            suspect_age,
            clock,
            public_keys,
            public_key_paths,
            paths,
            profile,
        })
    }
}

fn bad_profile(target: &Target, text: String, problems: Vec<ProfileProblem>) -> OpenError {
    OpenError::Profile(BadProfile {
        path: target.profile.clone(),
        text,
        problems,
    })
}

/// What stands around a lab: AWS, or the sandbox.
struct Surroundings {
    cloud: Arc<dyn Cloud>,
    parameters: Arc<dyn Parameters>,
    whoami: Arc<dyn WhoAmI>,
    hosts: Arc<dyn Hosts>,
    suspect_age: Duration,
    connection: aws::Settings,
}

fn circumstances<'a>(target: &'a Target, region: &'a Region) -> Circumstances<'a> {
    Circumstances {
        region,
        launch: None,
        aws_profile: target.aws_profile.as_deref(),
    }
}

impl Surroundings {
    async fn aws(
        target: &Target,
        paths: &Paths,
        profile: &Profile,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, CliError> {
        let connection = aws::Settings {
            region: profile.region.clone(),
            profile: target.aws_profile.clone(),
            endpoint: None,
            endpoint_name: None,
            http_client: None,
            credentials: None,
            known_images,
            clock: Arc::clone(clock),
        };
        let aws = Arc::new(connect(connection.clone()).await?);
        Ok(Self {
            cloud: Arc::<aws::Aws>::clone(&aws),
            parameters: aws,
            whoami: Arc::new(aws::CheckIp),
            hosts: Arc::new(Ssh::new(&paths.known_hosts)),
            suspect_age: Duration::from_secs(30),
            connection,
        })
    }

    async fn sandbox(
        target: &Target,
        paths: &Paths,
        profile: &Profile,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, CliError> {
        paths.prepare()?;
        let mut options = sandbox::Options {
            clock: Arc::clone(clock),
            ..sandbox::Options::default()
        };
        if let Some(path) = &target.scenario {
            options.scenario = scenario(path)?;
        }
        let world = &paths.world;
        let sandbox = Sandbox::open(world, options).map_err(|error| {
            CliError::new(format!(
                "could not open the sandbox's world {}: {error}",
                world.display()
            ))
            .hint(if error.kind() == std::io::ErrorKind::InvalidData {
                "remove that file to begin with an empty world"
            } else {
                "make room or mend the disk, then run the same command again"
            })
        })?;
        let connection = aws::Settings {
            region: profile.region.clone(),
            profile: None,
            endpoint: None,
            endpoint_name: Some(SANDBOX.to_owned()),
            http_client: Some(sandbox.http_client()),
            credentials: Some(("sandbox".to_owned(), "sandbox".to_owned())),
            known_images,
            clock: Arc::clone(clock),
        };
        let aws = Arc::new(connect(connection.clone()).await?);
        Ok(Self {
            cloud: Arc::<aws::Aws>::clone(&aws),
            parameters: aws,
            connection,
            whoami: Arc::new(SandboxOperator),
            hosts: Arc::new(PlayedHosts::new(sandbox, Some(paths.dir.join("played")))),
            // Nothing lags behind in the sandbox unless a scenario says so.
            suspect_age: Duration::from_secs(1),
        })
    }
}

async fn connect(settings: aws::Settings) -> Result<aws::Aws, CliError> {
    let (region, aws_profile) = (settings.region.clone(), settings.profile.clone());
    aws::Aws::connect(settings).await.map_err(|failure| {
        let circumstances = Circumstances {
            region: &region,
            launch: None,
            aws_profile: aws_profile.as_deref(),
        };
        CliError::from_failure(&failure, &circumstances)
    })
}

/// Reads a scenario for the sandbox.
pub(super) fn scenario(path: &Path) -> Result<Scenario, CliError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        CliError::new(format!(
            "could not read the scenario {}: {error}",
            path.display()
        ))
    })?;
    Scenario::parse(&text).map_err(|error| {
        let mut told = CliError::new(format!("the scenario {} is not valid", path.display()));
        told.causes.push(match &error {
            ScenarioError::Shape(shape) => {
                let before = shape.span().and_then(|span| text.get(..span.start));
                let line = before.map_or(1, |before| before.matches('\n').count() + 1);
                format!("line {line}: {}", shape.message())
            }
            ScenarioError::Rule { .. } => error.to_string(),
        });
        told.hint("its format is described in docs/sandbox.md")
    })
}

/// The SSM public parameter of an image with a name.
fn known_images(name: &str, architecture: &str) -> Option<&'static str> {
    crate::catalog::image(name)?.parameter(architecture)
}

/// The public keys that may log in: those the profile lists, or the lab's own if it has been made.
fn public_keys(listed: &[PathBuf], paths: &Paths) -> Result<Vec<String>, CliError> {
    if listed.is_empty() {
        return if paths.private_key.exists() {
            Ok(vec![store::public_key(&paths.private_key)?])
        } else {
            Ok(Vec::new())
        };
    }
    listed
        .iter()
        .map(|path| Ok(store::read_public_key(path)?))
        .collect()
}

/// The files of the public keys that the profile lists.
fn public_key_paths(profile: &Profile, paths: &Paths, settings: &Settings) -> Vec<PathBuf> {
    let place = |written: &String| beside(&paths.profile, settings.home.as_deref(), written);
    profile.keys.iter().map(place).collect()
}

/// In the sandbox the operator sits at an address from the block that RFC 5737 keeps for examples.
#[derive(Debug)]
struct SandboxOperator;

#[async_trait]
impl WhoAmI for SandboxOperator {
    async fn my_ip(&self) -> Result<std::net::IpAddr, Failure> {
        Ok(std::net::Ipv4Addr::new(203, 0, 113, 7).into())
    }
}
