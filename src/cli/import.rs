//! `import`: takes something that exists into the lab.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;

use super::app::App;
use super::books::Books;
use super::confirm::{confirm, refuse};
use super::error::CliError;
use super::exec::code_of_run;
use super::prepare::{Prepared, Reading, Wish, price, think};
use super::session::{OpenError, Session};
use super::show::{self, same_lab};
use super::{exit, report};
use crate::inventory::{Owner, Sighting};
use crate::lab::Lab;
use crate::model::{Action, Address, CloudId, Kind};
use crate::plan::{self, Input, Mode, Plan};

/// Take something that exists into the lab.
///
/// It gets the lab's tags, and nothing else about it changes until the next apply. What that would change is shown
/// first. From then on it is the lab's: `destroy` deletes it.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The address that it is to have, such as network.vpc, node.sim.0 or volume.sim.0.data.
    address: String,
    /// Its id, such as vpc-0123456789abcdef0; for a key pair, its name.
    id: String,
    /// Do not ask.
    #[arg(long, short)]
    yes: bool,
}

pub(super) async fn import(app: &mut App, args: &ImportArgs) -> Result<u8, OpenError> {
    let session = Session::open(&app.global.target(), &app.settings).await?;
    let mut books = Books::open(app, &session, "import").await?;
    let mut reading = books.read(app, &session, Mode::Apply).await?;
    let recorded = books.recorded();
    let wish = Wish::whole(Mode::Apply);
    let (lab, plan) = think(&session, &reading, recorded.as_ref(), &wish)?;
    let (address, id) = (Address::new(&args.address), CloudId::new(&args.id));
    let kind = kind_of(&lab, &address, &id)?;
    not_known(&lab, &plan, &reading, &address, (kind, &id))?;
    let found = look(&session, kind, &id).await?;
    not_others(&lab, &found, &address)?;
    let input = Input {
        mode: Mode::Apply,
        lab: &lab,
        recorded: recorded.as_ref(),
        observed: reading.inventory(),
        targets: &wish.targets,
    };
    let plan = plan::import(&input, &address, &found);
    plan::add_found(&mut reading.gathered.inventory, vec![found]);
    let prepared = price(&session, reading, lab, plan).await;
    show::plan_to_do(app, &session, &prepared, args.yes);
    would_keep(&prepared, &address)?;
    refuse(&prepared)?;
    if !confirm(app, "Take it into the lab?", args.yes).await? {
        return Err(CliError::new("not imported: you did not say yes").into());
    }
    let (run, _) = books.run(app, &session, &prepared, "import").await?;
    let code = code_of_run(&run);
    report::after_part(app, &session, &prepared, &run);
    if code == exit::DONE {
        app.say(&format!(
            "{address} is the lab's now: `roboinfra destroy{}` would delete it.",
            same_lab(app)
        ));
    }
    Ok(code)
}

/// The kind of what the profile asks for at an address, if such a thing can be imported and has such an id.
fn kind_of(lab: &Lab, address: &Address, id: &CloudId) -> Result<Kind, CliError> {
    let Some(resource) = lab.resources.get(address) else {
        let near: Vec<&str> = lab
            .resources
            .keys()
            .map(Address::as_str)
            .filter(|known| known.split('.').next() == address.as_str().split('.').next())
            .take(8)
            .collect();
        let told = CliError::new(format!("the profile asks for no {address}"));
        return Err(if near.is_empty() {
            told.hint("`roboinfra graph{lab}` shows every address")
        } else {
            told.hint(format!("it asks for {}", near.join(", ")))
        });
    };
    let kind = resource.spec.kind();
    let cannot = |why: &str| {
        Err(CliError::new(format!(
            "{address} cannot be imported: {why}"
        )))
    };
    match kind {
        Kind::Route | Kind::RouteTableAssociation => {
            return cannot("it carries no tags").map_err(|e: CliError| {
                e.hint("it comes with its route table: import network.route-table")
            });
        }
        Kind::Role | Kind::InstanceProfile => {
            return cannot("the lab finds its role by a name of its own").map_err(|e: CliError| {
                e.hint(
                    "to use an existing one, name it in the profile: instance_profile = \"NAME\"",
                )
            });
        }
        Kind::PlacementGroup => {
            return cannot("the lab finds its placement group by a name of its own");
        }
        Kind::Alarm | Kind::Dashboard => {
            return cannot("the lab finds its alarms and its dashboard by names of its own");
        }
        _ => {}
    }
    let prefix = prefix_of(kind);
    if !id.as_str().starts_with(prefix) || (prefix.is_empty() && id.as_str().is_empty()) {
        return Err(CliError::new(format!(
            "{id} cannot be {address}: that is a {}, and its id begins with {prefix}",
            kind.label()
        )));
    }
    Ok(kind)
}

fn prefix_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Vpc => "vpc-",
        Kind::Subnet => "subnet-",
        Kind::InternetGateway => "igw-",
        Kind::RouteTable => "rtb-",
        Kind::SecurityGroup => "sg-",
        Kind::Instance => "i-",
        Kind::Volume => "vol-",
        Kind::ElasticIp => "eipalloc-",
        Kind::Route
        | Kind::RouteTableAssociation
        | Kind::KeyPair
        | Kind::Role
        | Kind::InstanceProfile
        | Kind::PlacementGroup
        | Kind::Alarm
        | Kind::Dashboard => "",
    }
}

/// Refuses what the lab has already: the address, or the thing.
fn not_known(
    lab: &Lab,
    plan: &Plan,
    reading: &Reading,
    address: &Address,
    (kind, id): (Kind, &CloudId),
) -> Result<(), CliError> {
    // A key pair, a role and a placement group may have the same name.
    let is_it = |sighting: &Sighting| sighting.id == *id && sighting.seen.kind() == kind;
    if let Some((known, _)) = plan::owned(lab, reading.inventory()).find(|(_, s)| is_it(s)) {
        let told = CliError::new(format!("{id} is {known} of this lab already"));
        return Err(if known == *address {
            told
        } else {
            told.hint(format!(
                "to give it another address: roboinfra state mv {known} {address}{{lab}}"
            ))
        });
    }
    let there = plan
        .changes
        .iter()
        .find(|change| change.address == *address)
        .and_then(|change| change.id.clone());
    match there {
        Some(there) if there != *id => Err(CliError::new(format!(
            "{address} exists already: it is {there}"
        ))
        .hint(format!(
            "to let go of that first: roboinfra state rm {address}{{lab}}"
        ))),
        _ => Ok(()),
    }
}

async fn look(session: &Session, kind: Kind, id: &CloudId) -> Result<Sighting, CliError> {
    let wanted = BTreeMap::from([(kind, BTreeSet::from([id.clone()]))]);
    let found = session.cloud.find(&wanted).await;
    let found = found.map_err(|failure| session.told(&failure))?;
    let right = |sighting: &Sighting| {
        sighting.id == *id && sighting.seen.kind() == kind && !sighting.is_gone()
    };
    found.into_iter().find(right).ok_or_else(|| {
        CliError::new(format!(
            "there is no {} {id} in {}",
            kind.label(),
            session.profile.region
        ))
        .hint("check the id, the region of the profile and the account of the credentials")
    })
}

fn not_others(lab: &Lab, found: &Sighting, address: &Address) -> Result<(), CliError> {
    match &found.owner {
        Owner::Lab { name, id, .. } if *id != lab.id => Err(CliError::new(format!(
            "{} belongs to another lab: {name} ({id})",
            found.id
        ))
        .hint(
            "let that lab go of it first: roboinfra state rm ADDRESS, with the profile of that lab",
        )),
        _ if found.is_part() => Err(CliError::new(format!(
            "{} cannot be {address}: it goes with its machine when that is terminated",
            found.id
        ))),
        _ => Ok(()),
    }
}

/// Refuses what the next apply would replace: importing it would mean its end.
fn would_keep(prepared: &Prepared, address: &Address) -> Result<(), CliError> {
    let Some(change) = prepared
        .plan
        .changes
        .iter()
        .find(|change| change.action == Action::Replace)
    else {
        return Ok(());
    };
    let fields: Vec<String> = change
        .fields
        .iter()
        .filter(|field| field.impact == crate::model::Impact::Replace)
        .map(|field| {
            format!(
                "{} is {}, and the profile says {}",
                field.field, field.before, field.after
            )
        })
        .collect();
    let mut told = CliError::new(format!(
        "not imported: the next apply would delete it and make {address} anew"
    ));
    told.causes = fields;
    Err(told.hint("change the profile so that it fits what exists, then import it"))
}
