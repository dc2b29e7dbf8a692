//! A run that is cut off anywhere is finished by the next, whatever it was that the cut hit.

use roboinfra::event::RunEnd;
use roboinfra::plan::Mode;
use roboinfra::state::Record;

use super::labs::{complete, goes, heals_and_goes, nonzero, pair, rig};
use super::memory::Cut;

/// Applies with a cut, and then without; says how many records were written until the cut, if it was reached.
async fn cut_apply(cut: Cut) -> Option<usize> {
    let what = format!("{cut:?}");
    let mut rig = rig(&pair(), "").await;
    let look = rig.look(Mode::Apply).await;
    rig.journal.cut = Some(cut);
    let was_cut = rig.act(&look, |_, _| ()).await.is_err();
    rig.journal.cut = None;
    if !was_cut {
        return None;
    }
    let written = rig.journal.records.len();
    // What is announced and has not happened is what a cut after a record adds to a cut before the next.
    let announced = matches!(rig.journal.records.last(), Some(Record::Intent(_)));
    if announced || matches!(cut, Cut::Before(_)) {
        let ran = rig.go(Mode::Apply).await;
        assert_eq!(ran.report.end, RunEnd::Done, "{what}: {:?}", ran.report);
        complete(&mut rig, &what).await;
    }
    if written % 8 == 0 {
        heals_and_goes(&mut rig, &what).await;
    }
    Some(written)
}

#[tokio::test]
async fn an_apply_that_is_cut_before_any_record() {
    let mut place = 1;
    while cut_apply(Cut::Before(place)).await.is_some() {
        place += 1;
    }
    assert!(place > 40, "only {place} records were cut");
}

#[tokio::test]
async fn an_apply_that_is_cut_after_any_record() {
    let mut place = 1;
    while cut_apply(Cut::After(place)).await.is_some() {
        place += 1;
    }
    assert!(place > 40, "only {place} records were cut");
}

#[tokio::test]
async fn a_destroy_that_is_cut_at_any_record() {
    let mut place = 1;
    loop {
        let mut rig = rig(&pair(), "").await;
        rig.go(Mode::Apply).await;
        complete(&mut rig, "applied").await;
        let look = rig.look(Mode::Destroy).await;
        rig.journal.cut = Some(Cut::Before(place));
        let was_cut = rig.act(&look, |_, _| ()).await.is_err();
        rig.journal.cut = None;
        if !was_cut {
            assert_eq!(nonzero(&rig), Vec::<String>::new());
            break;
        }
        goes(&mut rig, &format!("cut before record {place}")).await;
        place += 1;
    }
    assert!(place > 5, "only {place} records were cut");
}

/// A rerun that is cut as well, and its rerun too.
#[tokio::test]
async fn cuts_upon_cuts() {
    for step in [3, 5, 7] {
        let mut rig = rig(&pair(), "").await;
        // One call at a time: of many intents at once, none would ever come to its effect.
        rig.parallelism = 1;
        let mut cuts = 0;
        loop {
            let look = rig.look(Mode::Apply).await;
            // The place is counted from the beginning of what is there.
            rig.journal.cut = Some(Cut::Before(rig.journal.records.len() + 1 + step));
            let was_cut = rig.act(&look, |_, _| ()).await.is_err();
            rig.journal.cut = None;
            if !was_cut {
                break;
            }
            cuts += 1;
            assert!(cuts < 60, "each run gets further");
        }
        assert!(cuts > 3);
        complete(&mut rig, &format!("{cuts} cuts")).await;
        goes(&mut rig, "after the cuts").await;
    }
}
