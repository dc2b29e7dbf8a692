//! Measuring a host: what it says that it is, and what the gate wants to know beyond that.

use std::time::Duration;

use super::answers::answered;
use super::cut::Cut;
use super::tend::Tender;
use crate::host::{Command, Facts, Finding, gate};
use crate::port::HostLink;

/// For a container to be tried, its image fetched, and the proof of each step.
const MEASURE: Duration = Duration::from_secs(600);

impl Tender<'_> {
    /// Measures a host on which everything is done.
    pub(super) async fn measure(
        &mut self,
        link: &mut dyn HostLink,
    ) -> Result<(Vec<Finding>, Facts), Cut> {
        self.facts = self.measured(link, &[]).await?;
        let versions = Facts::parse(&self.ask(link, &Command::Versions).await?);
        let now = u64::try_from(self.tending.clock.now().as_second()).unwrap_or(0);
        Ok((gate(&self.job.wanted.expected, &self.facts, now), versions))
    }

    /// Facts, and what the gate wants to know beyond them, with the proof of these steps.
    pub(super) async fn measured(
        &self,
        link: &mut dyn HostLink,
        proofs: &[String],
    ) -> Result<Facts, Cut> {
        let facts = self.facts(link).await?;
        let mut what = self.job.wanted.expected.to_measure();
        what.extend(
            proofs
                .iter()
                .filter(|proof| !what.contains(proof))
                .cloned()
                .collect::<Vec<_>>(),
        );
        if what.is_empty() {
            return Ok(facts);
        }
        let line = self.runner.line(&Command::Measure { what: &what });
        let answer = link.run(&line, &[], MEASURE).await?;
        Ok(facts.and(Facts::parse(&answered(&answer)?)))
    }
}
