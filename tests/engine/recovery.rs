//! A run that is cut off anywhere is finished by the next, whatever it was that the cut hit.

use roboinfra::event::RunEnd;
use roboinfra::plan::Mode;

use super::labs::{FLEET, complete, goes, heals_and_goes, nonzero, rig};
use super::memory::Cut;

/// How many records an apply of the fleet writes.
async fn records_of_an_apply() -> usize {
    let mut rig = rig(FLEET, "").await;
    let look = rig.look(Mode::Apply).await;
    rig.journal.cut = Some(Cut::Before(usize::MAX));
    let before = rig.journal.records.len();
    let mut longest = before;
    let ran = rig.act(&look, |_, _| ()).await.expect("nothing is cut");
    assert_eq!(ran.report.end, RunEnd::Done);
    longest += look.plan.steps.len() * 3;
    longest
}

/// Applies with a cut and says whether the cut was reached.
async fn cut_apply(cut: Cut) -> bool {
    let what = format!("{cut:?}");
    let mut rig = rig(FLEET, "").await;
    let look = rig.look(Mode::Apply).await;
    rig.journal.cut = Some(cut);
    let was_cut = rig.act(&look, |_, _| ()).await.is_err();
    rig.journal.cut = None;
    if was_cut {
        heals_and_goes(&mut rig, &what).await;
    }
    was_cut
}

#[tokio::test]
async fn an_apply_that_is_cut_before_any_record() {
    let most = records_of_an_apply().await;
    let mut place = 1;
    while cut_apply(Cut::Before(place)).await {
        place += 1;
        assert!(place < most, "the journal has an end");
    }
    assert!(place > 40, "only {place} records were cut");
}

#[tokio::test]
async fn an_apply_that_is_cut_after_any_record() {
    let most = records_of_an_apply().await;
    let mut place = 1;
    while cut_apply(Cut::After(place)).await {
        place += 1;
        assert!(place < most, "the journal has an end");
    }
    assert!(place > 40, "only {place} records were cut");
}

#[tokio::test]
async fn a_destroy_that_is_cut_at_any_record() {
    let mut place = 1;
    loop {
        let mut rig = rig(FLEET, "").await;
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
        let mut rig = rig(FLEET, "").await;
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
