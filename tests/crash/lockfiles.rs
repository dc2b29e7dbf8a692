//! The lockfile lost, cut, edited, merged, older than the lab, or another lab's: nothing is made or taken away for it,
//! and what the error advises makes the lab whole.

use std::fs;

use roboinfra::model::{CloudId, Kind};
use roboinfra::state::{Lockfile, decode, encode};

use super::bench::{Bench, Matrix, all_passed};
use super::labs::{fleet, twin};
use super::outcome::Outcome;
use super::stage::{APPLY, finished};
use super::world::World;

/// What makes a lab whole again.
#[derive(Debug, Clone, Copy)]
enum Remedy {
    /// The same command.
    Nothing,
    /// `state rebuild`.
    Rebuild,
    /// One of the previous lockfiles.
    Previous,
    /// The lockfile as it was, from git.
    Restore,
    /// The lockfile moved away, then `state rebuild`.
    MoveAndRebuild,
}

/// A lockfile that is not what it should be.
struct Damage {
    name: String,
    /// The file's content; `None` where there is no file.
    text: Option<Vec<u8>>,
    /// What every command says about it; nothing if it is as good as another.
    told: Vec<&'static str>,
    remedies: Vec<Remedy>,
}

/// A lab that was applied and changed, so that there is an older lockfile.
fn changed() -> (Bench, Outcome) {
    let fleet = fleet();
    let (applied, _) = finished(&Bench::new(&fleet.profile), APPLY);
    applied.write("lab.toml", &fleet.changes[0].1);
    finished(&applied, APPLY)
}

fn text(bench: &Bench) -> String {
    fs::read_to_string(bench.lockfile()).expect("it was applied")
}

fn older(bench: &Bench) -> String {
    let previous = bench.home().join("previous/00000001.lock");
    fs::read_to_string(previous).expect("it was changed")
}

const CUT: [Remedy; 3] = [Remedy::Rebuild, Remedy::Previous, Remedy::Restore];
const DAMAGED: [&str; 3] = [
    "nothing was changed",
    "previous",
    "roboinfra state rebuild -f",
];

/// Lockfiles that no command may believe.
fn unusable(bench: &Bench) -> Vec<Damage> {
    let good = text(bench);
    let (seal, old_seal) = (seal(&good).to_owned(), seal(&older(bench)).to_owned());
    let conflict = format!("<<<<<<< HEAD\n{seal}=======\n{old_seal}>>>>>>> theirs\n");
    let joined = good.replace(&seal, &old_seal);
    let mut texts = vec![
        (
            "with conflict markers".to_owned(),
            good.replace(&seal, &conflict),
        ),
        ("joined by git".to_owned(), joined),
        ("edited".to_owned(), good.replace("t3.large", "t3.small")),
        ("of nothing but spaces".to_owned(), " \n\n".to_owned()),
        (
            "that is another file".to_owned(),
            "# Notes\n\nBuy milk.\n".to_owned(),
        ),
    ];
    for place in 0..12 {
        let length = good.len() * place / 12;
        texts.push((format!("cut at byte {length}"), good[..length].to_owned()));
    }
    texts.push((
        "without its last byte".to_owned(),
        good[..good.len() - 1].to_owned(),
    ));
    let mut damages: Vec<Damage> = texts
        .into_iter()
        .map(|(name, text)| Damage {
            name,
            text: Some(text.into_bytes()),
            told: DAMAGED.to_vec(),
            remedies: CUT.to_vec(),
        })
        .collect();
    damages.push(Damage {
        name: "that is not text".to_owned(),
        text: Some(b"\xff\xfe\x00\x01".to_vec()),
        told: DAMAGED.to_vec(),
        remedies: CUT.to_vec(),
    });
    damages
}

fn seal(text: &str) -> &str {
    &text[text.find("[seal]").expect("it is sealed")..]
}

/// Lockfiles that are sound, but not this lab's or not of today.
fn misplaced(bench: &Bench) -> Vec<Damage> {
    let twin = finished(&Bench::new(&twin().profile), APPLY).0;
    let namesake = finished(&Bench::new(&fleet().profile), APPLY).0;
    let mut empty = decode(&text(&namesake)).expect("it is sound");
    empty.resources.clear();
    let another = |name: &str, text: String, told: &[&'static str]| Damage {
        name: name.to_owned(),
        text: Some(text.into_bytes()),
        told: told.to_vec(),
        remedies: vec![Remedy::Restore, Remedy::MoveAndRebuild],
    };
    let elsewhere = ["for another lab", "nothing was changed", "state rebuild -f"];
    let of_nothing = ["of which nothing exists", "state rebuild -f"];
    vec![
        Damage {
            name: "that is not there".to_owned(),
            text: None,
            told: vec!["roboinfra state rebuild -f"],
            remedies: vec![Remedy::Rebuild, Remedy::Previous, Remedy::Restore],
        },
        Damage {
            name: "of an earlier day".to_owned(),
            text: Some(older(bench).into_bytes()),
            told: Vec::new(),
            remedies: vec![Remedy::Nothing, Remedy::MoveAndRebuild],
        },
        another("of another lab", text(&twin), &elsewhere),
        another("of a lab of the same name", text(&namesake), &of_nothing),
        another(
            "of an empty lab of the same name",
            encode(&empty),
            &of_nothing,
        ),
        another(
            "of another account",
            text(bench).replace("123456789012", "210987654321"),
            &DAMAGED[..1],
        ),
    ]
}

/// Puts the file in its place, tries every command, follows the advice, and looks at what there is then.
fn try_all(
    bench: &Bench,
    expected: &Outcome,
    damage: &Damage,
    remedy: Remedy,
) -> Result<(), String> {
    let what = format!("a lockfile {}, then {remedy:?}", damage.name);
    let good = text(bench);
    let bench = bench.copy();
    let before = World::read(&bench).ids();
    fs::remove_file(bench.lockfile()).expect("it is there");
    if let Some(text) = &damage.text {
        fs::write(bench.lockfile(), text).expect("it can be written");
    }
    if !damage.told.is_empty() {
        refused_by_all(&bench, damage, &what)?;
        let left = fs::read(bench.lockfile()).ok();
        if left != damage.text {
            return Err(format!("{what}: the file was changed"));
        }
    }
    if World::read(&bench).ids() != before {
        return Err(format!("{what}: something was made or taken away"));
    }
    match remedy {
        Remedy::Nothing | Remedy::Rebuild => {}
        Remedy::Previous => fs::write(bench.lockfile(), older(&bench)).expect("it can be written"),
        Remedy::Restore => fs::write(bench.lockfile(), good).expect("it can be written"),
        Remedy::MoveAndRebuild => {
            fs::rename(bench.lockfile(), bench.path().join("moved.lock")).expect("it is there");
        }
    }
    if matches!(remedy, Remedy::Rebuild | Remedy::MoveAndRebuild) {
        bench
            .run(&["state", "rebuild"])
            .ends(0, &format!("{what}: rebuild"))?;
    }
    let plan = bench.run(&["plan"]);
    plan.ends(0, &format!("{what}: the plan"))?;
    let tally = "0 to create, 0 to update, 0 to replace, 0 to delete";
    plan.says(&["No changes."])
        .or_else(|_| plan.says(&[tally]))?;
    bench.run(APPLY).ends(0, &what)?;
    let outcome = Outcome::without_journals(&bench)?.without_times();
    outcome.must_be(&expected.clone().without_times(), &what)
}

/// Every command that would act on the lockfile stops, and says the same.
fn refused_by_all(bench: &Bench, damage: &Damage, what: &str) -> Result<(), String> {
    let commands: [&[&str]; 7] = [
        &["plan"],
        &["plan", "--destroy"],
        APPLY,
        &["apply", "--refresh-only", "--yes"],
        &["destroy", "--yes"],
        &["stop"],
        &["start"],
    ];
    for words in commands {
        let ran = bench.run(words);
        ran.ends(1, &format!("{what}: {words:?}"))?;
        ran.says(&damage.told)?;
    }
    Ok(())
}

fn matrix(
    name: &str,
    damages: &[Damage],
    of: &(Bench, Outcome),
    stride: usize,
) -> Result<(), String> {
    let cases: Vec<(&Damage, Remedy)> = damages
        .iter()
        .flat_map(|damage| damage.remedies.iter().map(move |remedy| (damage, *remedy)))
        .step_by(stride)
        .collect();
    let (bench, expected) = of;
    Matrix::over(name, &cases, |(damage, remedy)| {
        (true, try_all(bench, expected, damage, *remedy))
    })
    .report(2)
}

/// A few of both.
pub(crate) fn sample() -> Vec<Result<(), String>> {
    let of = changed();
    vec![
        matrix("lockfiles that cannot be used", &unusable(&of.0), &of, 29),
        matrix("lockfiles of something else", &misplaced(&of.0), &of, 5),
    ]
}

#[test]
#[ignore = "the whole matrix takes minutes; `.ci/run` has it"]
fn full_lockfiles() {
    let of = changed();
    all_passed([
        matrix("lockfiles that cannot be used", &unusable(&of.0), &of, 1),
        matrix("lockfiles of something else", &misplaced(&of.0), &of, 1),
    ]);
}

/// No part of a real lockfile is a lockfile, so that no command can act on one.
#[test]
fn no_cut_at_any_byte_is_believed() {
    let (bench, _) = changed();
    let text = text(&bench);
    let believed: Vec<usize> = (0..text.len())
        .filter(|length| decode(&text[..*length]).is_ok())
        .collect();
    assert_eq!(believed, [0; 0]);
    println!(
        "matrix lockfile cut, in-process: {0} cases, {0} passed",
        text.len()
    );
}

/// Kinds that EC2 does not tell the making of.
const TIMELESS: [Kind; 8] = [
    Kind::Vpc,
    Kind::Subnet,
    Kind::InternetGateway,
    Kind::RouteTable,
    Kind::Route,
    Kind::RouteTableAssociation,
    Kind::SecurityGroup,
    Kind::ElasticIp,
];

#[test]
fn a_rebuilt_lockfile_is_equal_but_for_what_cannot_be_known() -> Result<(), String> {
    let twin = finished(&Bench::new(&twin().profile), APPLY).0;
    for bench in [changed().0, twin] {
        let before = decode(&text(&bench)).expect("it is sound");
        fs::remove_file(bench.lockfile()).expect("it is there");
        bench.run(&["state", "rebuild"]).ends(0, "rebuild")?;
        let mut rebuilt = decode(&text(&bench)).expect("it is sound");
        assert_eq!(
            rebuilt.serial, 1,
            "how often it was written cannot be known"
        );
        rebuilt.serial = before.serial;
        for (address, recorded) in &mut rebuilt.resources {
            let old = &before.resources[address];
            let (made, seen) = (old.created.expect("it was made"), recorded.created);
            assert_eq!(
                seen.is_none(),
                TIMELESS.contains(&recorded.kind),
                "{address}"
            );
            // The program's clock and the cloud's are a moment apart.
            let apart = seen.map_or(0, |seen| seen.duration_since(made).abs().as_secs());
            assert!(apart < 60, "{address}: {made} {seen:?}");
            recorded.created = old.created;
        }
        let before = Lockfile {
            // Pins that nothing rests on are gone.
            pins: roboinfra::state::Pins {
                images: before
                    .pins
                    .images
                    .clone()
                    .into_iter()
                    .filter(|(key, _)| rebuilt.pins.images.contains_key(key))
                    .collect(),
                zones: before
                    .pins
                    .zones
                    .clone()
                    .into_iter()
                    .filter(|(key, _)| rebuilt.pins.zones.contains_key(key))
                    .collect(),
                ..before.pins.clone()
            },
            ..before
        };
        assert_eq!(rebuilt, before);
        bench
            .run(&["plan", "--detailed-exitcode"])
            .ends(0, "the plan after it")?;
    }
    Ok(())
}

#[test]
fn a_lockfile_that_is_fine_stays_as_it_is() -> Result<(), String> {
    let (bench, _) = finished(&Bench::new(&fleet().profile), APPLY);
    let before = text(&bench);
    bench
        .run(&["state", "rebuild"])
        .ends(0, "there is nothing to do")?;
    assert_eq!(text(&bench), before);
    Ok(())
}

/// An older lockfile knows an older image than the one that the machines run.
#[test]
fn an_older_image_in_an_older_lockfile_replaces_no_machine() -> Result<(), String> {
    let (bench, expected) = finished(&Bench::new(&twin().profile), APPLY);
    let mut lock = decode(&text(&bench)).expect("it is sound");
    for image in lock.pins.images.values_mut() {
        image.id = roboinfra::model::ImageId::new("ami-00000000000000001");
        image.name = image.name.replace("20260115", "20250812");
    }
    for recorded in lock.resources.values_mut() {
        if recorded.kind == Kind::Instance {
            recorded.id = CloudId::new("i-00000000000000001");
        }
    }
    fs::write(bench.lockfile(), encode(&lock)).expect("it can be written");
    bench
        .run(&["plan", "--detailed-exitcode"])
        .ends(0, "the plan with the older lockfile")?;
    bench.run(APPLY).ends(0, "an older lockfile")?;
    Outcome::without_journals(&bench)?
        .without_times()
        .must_be(&expected.without_times(), "an older lockfile")
}
