//! Many hosts at once, with a bound. A host that is slow or dead holds nobody else.

use futures_util::StreamExt;
use tokio::sync::mpsc;

use super::job::{HostJob, Tending};
use super::tend::Tender;
use crate::apply::Stop;
use crate::event::HostEvent;
use crate::host::Verdict;

/// Tends all hosts and returns a verdict for each, in the order of the jobs. `over` sees each as soon as there is one.
pub async fn bootstrap(
    tending: &Tending,
    jobs: &[HostJob],
    stop: &Stop,
    tell: &mut dyn FnMut(HostEvent),
    over: &mut dyn FnMut(usize, &Verdict),
) -> Vec<Verdict> {
    let (events, mut told) = mpsc::unbounded_channel();
    let work = futures_util::stream::iter(jobs.iter().enumerate())
        .map(|(place, job)| {
            let tender = Tender::new(tending, job, stop, events.clone());
            async move { (place, tender.through().await) }
        })
        .buffer_unordered(tending.parallelism.max(1));
    tokio::pin!(work);
    let mut verdicts = Vec::new();
    loop {
        let next = tokio::select! {
            biased;
            Some(event) = told.recv() => {
                tell(event);
                continue;
            }
            next = work.next() => next,
        };
        // What a host still had to say comes before its end.
        while let Ok(event) = told.try_recv() {
            tell(event);
        }
        let Some((place, verdict)) = next else {
            break;
        };
        over(place, &verdict);
        verdicts.push((place, verdict));
    }
    verdicts.sort_by_key(|(place, _)| *place);
    verdicts.into_iter().map(|(_, verdict)| verdict).collect()
}
