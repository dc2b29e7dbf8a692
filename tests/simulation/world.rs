//! One world: an account, the files, the people, and the story that they live through.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_credential_types::Credentials;
use roboinfra::aws::{Aws, Settings};
use roboinfra::event::RunEnd;
use roboinfra::model::{BlockReason, Region};
use roboinfra::port::{Clock, Cloud};
use roboinfra::profile::{self, Profile};
use roboinfra::sandbox::{Latency, Options, Sandbox};

use super::chaos::{Fate, Mortal};
use super::clock::{SimClock, play};
use super::command::{Command, Ended, Session, Trouble};
use super::files::Files;
use super::invariants::{self, Ledgers, things};
use super::log::Log;
use super::outside::{self, Strangers};
use super::rng::Rng;
use super::shape::Shape;
use super::story::{Story, What};
use super::weather;

/// How often the last apply is given the chance to finish in calm weather.
const TRIES: usize = 6;

pub(crate) struct World<'a> {
    clock: Arc<SimClock>,
    sandbox: Arc<Sandbox>,
    cloud: Arc<dyn Cloud>,
    ec2: aws_sdk_ec2::Client,
    image: String,
    files: Files,
    shape: Shape,
    /// The profile's text, where it is not the shape's.
    text: Option<String>,
    strangers: Strangers,
    ledgers: Ledgers,
    /// Whether lockfile and journal know all there is: not after someone lost them.
    knows: bool,
    log: &'a Log,
    /// How many commands were carried out.
    pub(crate) commands: u64,
    pub(crate) crashes: u64,
}

fn parse(text: &str) -> Profile {
    let parsed = profile::parse(text);
    parsed
        .profile
        .unwrap_or_else(|| panic!("{:?}\n{text}", parsed.problems))
}

impl<'a> World<'a> {
    fn new(seed: u64, log: &'a Log) -> Self {
        let clock = SimClock::new();
        let mut rng = Rng::part(seed, 1);
        let options = Options {
            clock: clock.clone(),
            scenario: weather::clear(),
            seed,
            latency: Latency {
                read: Duration::from_millis(80),
                write: Duration::from_millis(200),
                run_instances: Duration::from_millis(1500),
            },
        };
        let sandbox = Sandbox::new(options);
        let connected = play(&clock, || false, connect(&sandbox, &clock)).expect("nobody dies");
        let (cloud, ec2, image) = connected;
        Self {
            clock,
            sandbox,
            cloud,
            ec2,
            image,
            files: Files::default(),
            shape: Shape::new(&mut rng),
            text: None,
            strangers: Strangers::new(),
            ledgers: Ledgers::default(),
            knows: true,
            log,
            commands: 0,
            crashes: 0,
        }
    }

    /// A world with a profile of its own, for tables of cases.
    pub(crate) fn of(seed: u64, text: &str, log: &'a Log) -> Self {
        Self {
            text: Some(text.to_owned()),
            ..Self::new(seed, log)
        }
    }

    /// The profile as it is now.
    pub(crate) fn profile(&self) -> Profile {
        match &self.text {
            Some(text) => parse(text),
            None => parse(&self.shape.text()),
        }
    }

    /// Another weather; none is calm.
    pub(crate) fn weather(&self, scenario: &str) {
        self.sandbox.set_scenario(weather::of(scenario));
    }

    /// Carries a command out and looks at what must be true.
    pub(crate) fn once(&mut self, command: &Command) -> Result<Ended, Trouble> {
        let part = Rng::new(self.commands);
        let ended = self.command(command, Fate::new(part.clone(), None, None), None, part);
        self.check();
        ended.expect("nobody dies")
    }

    /// A quarter of an hour passes.
    pub(crate) fn pass(&self) {
        self.clock.advance(Duration::from_mins(15));
    }

    /// The actions that were called, in order.
    pub(crate) fn actions(&self) -> Vec<String> {
        let calls = self.sandbox.calls().into_iter();
        calls.map(|call| call.action).collect()
    }

    /// Asserts that nothing of the lab is left.
    pub(crate) fn is_empty(&self) {
        let left = invariants::left(&things(&self.sandbox));
        assert_eq!(left, Vec::<String>::new(), "destroyed, and yet");
    }

    /// Lives through a story, leaving out the steps with these numbers. Panics where something is not as it must be.
    pub(crate) fn live(story: &Story, without: &BTreeSet<usize>, log: &'a Log) -> Self {
        let mut world = Self::new(story.seed, log);
        for (number, what) in story.steps.iter().enumerate() {
            if without.contains(&number) {
                continue;
            }
            log.line(|| format!("--- step {number}: {what:?}"));
            let rng = Rng::part(story.seed, 2000 + number as u64);
            world.step(what, rng);
        }
        world.settle(Rng::part(story.seed, 3));
        let calls = world.sandbox.calls();
        log.line(|| format!("{calls:#?}"));
        world
    }

    fn step(&mut self, what: &What, mut rng: Rng) {
        match what {
            What::Command {
                command,
                calm,
                dies,
                room,
                patience,
            } => {
                if !calm {
                    let (text, scenario) = weather::draw(&mut rng);
                    self.log.line(|| text);
                    self.sandbox.set_scenario(scenario);
                }
                let fate = Fate::new(rng.clone(), *dies, *room);
                let ended = self.command(command, fate, *patience, rng);
                self.log.line(|| format!("ended: {ended:?}"));
                self.sandbox.set_scenario(weather::clear());
                self.check();
            }
            What::Edit => {
                self.shape.edit(&mut rng);
                self.log.line(|| self.shape.text());
            }
            What::Lose { all } => {
                self.knows = false;
                self.files.lockfile = None;
                if *all {
                    self.files.journal.clear();
                }
            }
            What::Old => {
                // Whoever checks out an old commit does not do so in the middle of a run that was cut off.
                // Nothing carries a placement group's name but the lockfile; it costs nothing.
                let named = things(&self.sandbox)
                    .values()
                    .any(|thing| thing.what == "PlacementGroup");
                let calm = self.files.journal.is_empty() && !named;
                if calm && !self.files.previous.is_empty() {
                    let place = rng.index(self.files.previous.len());
                    self.files.lockfile = Some(self.files.previous[place].clone());
                    self.knows = false;
                }
            }
            What::Pass(time) => self.clock.advance(*time),
            What::Hand(hand) => {
                let all = things(&self.sandbox);
                let act = outside::hand(&self.ec2, *hand, &all, &mut rng);
                play(&self.clock, || false, act).expect("nobody dies");
                self.clock.advance(Duration::from_mins(2));
            }
            What::Stranger(who) => {
                let all = things(&self.sandbox);
                let act = outside::stranger(&self.ec2, *who, &all, &mut rng, &self.image);
                play(&self.clock, || false, act).expect("nobody dies");
                self.clock.advance(Duration::from_mins(2));
                for (place, thing) in things(&self.sandbox) {
                    let new = !all.contains_key(&place);
                    if new
                        && thing
                            .tag("roboinfra:lab-id")
                            .is_none_or(|id| id == "stranger")
                    {
                        self.strangers.insert(place, thing);
                    }
                }
            }
        }
    }

    fn command(
        &mut self,
        command: &Command,
        fate: Arc<Fate>,
        patience: Option<usize>,
        rng: Rng,
    ) -> Option<Result<Ended, Trouble>> {
        let profile = self.profile();
        let kept = invariants::kept(&things(&self.sandbox));
        let session = Session {
            profile: &profile,
            cloud: Arc::new(Mortal {
                cloud: Arc::clone(&self.cloud),
                clock: Arc::clone(&self.clock),
                fate: Arc::clone(&fate),
            }),
            clock: Arc::clone(&self.clock),
            fate: Arc::clone(&fate),
            log: self.log,
            rng,
            patience,
        };
        let obeying = session.obey(command, &mut self.files);
        let ended = play(&self.clock, || fate.is_dead(), obeying);
        self.commands += 1;
        self.crashes += u64::from(ended.is_none());
        if ended.is_none() {
            // Nobody is back at once after a crash.
            self.clock.advance(Duration::from_secs(5));
        }
        let still = invariants::kept(&things(&self.sandbox));
        assert!(
            kept.iter().all(|id| still.contains(id) || self.lives(id)),
            "a volume that is to be kept is gone: {kept:?} {still:?}"
        );
        let done = match &ended {
            Some(Ok(Ended::Ran(report, _))) => {
                report.end == RunEnd::Done && *command == Command::Apply
            }
            Some(Ok(Ended::Searched(report, _, left))) => {
                let done = report.end == RunEnd::Done;
                assert!(!done || left.is_empty(), "destroyed, but there is {left:?}");
                done
            }
            _ => false,
        };
        self.knows |= done;
        if let Some(Err(trouble)) = &ended {
            let told = trouble.told(&profile);
            assert!(told.len() > 1, "{trouble:?}: nothing helps");
        }
        ended
    }

    fn lives(&self, id: &str) -> bool {
        things(&self.sandbox).values().any(|thing| thing.id == id)
    }

    fn check(&mut self) {
        let all = things(&self.sandbox);
        for (place, before) in &self.strangers {
            let now = all.get(place);
            let in_group =
                |thing: &invariants::Thing| all.values().any(|o| o.id == thing.text("group"));
            if before.what == "SgRule" && !in_group(before) {
                continue;
            }
            assert_eq!(now, Some(before), "a stranger's thing was touched");
        }
        let folded = self.files.folded();
        self.ledgers.check_effects(&all, &self.files.history);
        invariants::check_doubles(&all);
        if self.knows {
            invariants::check_known(&all, &folded);
        }
    }

    /// The weather clears: the lab becomes what the profile says, and then it goes.
    fn settle(&mut self, mut rng: Rng) {
        self.log.line(|| "--- the weather clears".to_owned());
        self.clock.advance(Duration::from_mins(3));
        self.evict();
        for round in 0.. {
            assert!(round <= 2 * TRIES, "it does not come to an end");
            match self.calm(&Command::Apply, &mut rng) {
                Ok(Ended::Ran(report, _)) if report.end == RunEnd::Done => break,
                Err(Trouble::UnknownLab) => match self.calm(&Command::Rebuild, &mut rng) {
                    Ok(_) => {}
                    // Ours went before its lockfile was lost: the name is a stranger's now.
                    Err(Trouble::SeveralLabs) => return,
                    // The lockfile is of a lab that is gone: it is moved away, as the error says.
                    Err(Trouble::HasLockfile) => {
                        self.files.lockfile = None;
                        self.files.journal.clear();
                    }
                    ended => panic!("it cannot be rebuilt: {ended:?}"),
                },
                // Data stays where it is: the edit that moved its machine is taken back.
                Err(Trouble::Blocked(blocked, _))
                    if blocked
                        .iter()
                        .any(|(_, why)| matches!(why, BlockReason::Impossible(_))) =>
                {
                    self.shape.everywhere();
                }
                Err(Trouble::Blocked(blocked, _))
                    if blocked
                        .iter()
                        .any(|(_, why)| matches!(why, BlockReason::PreventDestroy(_))) =>
                {
                    self.shape.unprotect();
                }
                ended if round >= TRIES => panic!("it does not come to an end: {ended:?}"),
                _ => {}
            }
        }
        match self.calm(&Command::Plan, &mut rng) {
            Ok(Ended::Looked(plan)) => {
                assert!(!plan.has_changes(), "applied, and yet: {:#?}", plan.changes);
            }
            ended => panic!("no plan: {ended:?}"),
        }
        self.shape.unprotect();
        for round in 0.. {
            match self.calm(&Command::Destroy, &mut rng) {
                Ok(Ended::Searched(report, ..)) if report.end == RunEnd::Done => break,
                ended if round >= TRIES => panic!("it does not go: {ended:?}"),
                _ => {}
            }
        }
        let left = invariants::left(&things(&self.sandbox));
        assert_eq!(left, Vec::<String>::new(), "destroyed, and yet");
    }

    fn evict(&mut self) {
        let all = things(&self.sandbox);
        let leaving = outside::evict(&self.ec2, &all);
        if play(&self.clock, || false, leaving).expect("nobody dies") {
            self.clock.advance(Duration::from_mins(2));
            let all = things(&self.sandbox);
            self.strangers
                .retain(|place, thing| all.get(place) == Some(thing));
        }
    }

    fn calm(&mut self, command: &Command, rng: &mut Rng) -> Result<Ended, Trouble> {
        let part = Rng::new(rng.next());
        let fate = Fate::new(part.clone(), None, None);
        let ended = self
            .command(command, fate, None, part)
            .expect("nobody dies");
        self.log.line(|| format!("{command:?}: {ended:?}"));
        self.check();
        ended
    }
}

async fn connect(
    sandbox: &Arc<Sandbox>,
    clock: &Arc<SimClock>,
) -> (Arc<dyn Cloud>, aws_sdk_ec2::Client, String) {
    let settings = Settings {
        region: Region::new("us-east-1"),
        profile: None,
        endpoint: None,
        endpoint_name: Some("sandbox".to_owned()),
        http_client: Some(sandbox.http_client()),
        credentials: Some(("test".to_owned(), "test".to_owned())),
        known_images: |name, architecture| roboinfra::catalog::image(name)?.parameter(architecture),
        clock: clock.clone() as Arc<dyn Clock>,
    };
    let cloud: Arc<dyn Cloud> = Arc::new(Aws::connect(settings).await.expect("connects"));
    let config =
        aws_types::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .http_client(sandbox.http_client())
            .region(aws_types::region::Region::new("us-east-1"))
            .credentials_provider(
                aws_credential_types::provider::SharedCredentialsProvider::new(
                    Credentials::for_tests(),
                ),
            )
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .timeout_config(aws_config::timeout::TimeoutConfig::disabled())
            .build();
    let image = roboinfra::model::ImageRef("ubuntu-22.04".to_owned());
    let image = cloud.image(&image, "x86_64").await.expect("shipped");
    (
        cloud,
        aws_sdk_ec2::Client::new(&config),
        image.id.to_string(),
    )
}
