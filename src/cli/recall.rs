//! Pins that were lost with the lockfile, or are older than the machines, are taken from what runs.

use std::collections::BTreeSet;

use ipnet::IpNet;

use super::error::CliError;
use super::prepare::{Reading, build};
use super::session::Session;
use crate::inventory::Inventory;
use crate::lab;
use crate::model::{FailureClass, ImageRef, LabId, PinnedImage};
use crate::plan::{self, ForgottenImage, is_same_image};
use crate::profile::{Operator, Source, Zones};
use crate::state::{Lockfile, Pins};

/// Puts the images of machines that the lockfile does not know into the pins of this reading.
pub(super) async fn images(
    session: &Session,
    reading: &mut Reading,
    recorded: Option<&Lockfile>,
) -> Result<(), CliError> {
    // What is wrong with the lab itself is told when it is planned.
    let Ok(lab) = build(session, reading) else {
        return Ok(());
    };
    for forgotten in plan::forgotten_images(&lab, recorded, reading.inventory()) {
        if let Some(image) = edition(session, &forgotten).await? {
            reading.gathered.pins.images.insert(forgotten.key, image);
        }
    }
    Ok(())
}

/// The image that runs, if it is another edition of the one that the profile names.
async fn edition(
    session: &Session,
    forgotten: &ForgottenImage,
) -> Result<Option<PinnedImage>, CliError> {
    let (running, pinned) = (&forgotten.running, &forgotten.pinned);
    let named = ImageRef(running.to_string());
    match session.cloud.image(&named, &pinned.architecture).await {
        Ok(image) => Ok(is_same_image(&image, pinned).then_some(image)),
        // It was withdrawn, as old images are: nobody can tell what it was, and so the machine stays as it is.
        Err(failure) if failure.class == FailureClass::NotFound => Ok(Some(PinnedImage {
            id: running.clone(),
            name: running.to_string(),
            ..pinned.clone()
        })),
        Err(failure) => Err(session.told(&failure)),
    }
}

/// The pins of a lab whose lockfile was lost, as far as they can be told before anything is looked up.
pub(super) fn pins(session: &Session, observed: &Inventory, id: &LabId) -> Pins {
    let profile = &session.profile;
    if !lab::wants(profile).my_ip {
        return Pins::default();
    }
    let operators = profile
        .operators
        .iter()
        .filter_map(|operator| match operator {
            Operator::Cidr(block) => Some(*block),
            Operator::MyIp => None,
        });
    let of_ports = profile.ports.values().flat_map(|port| match &port.from {
        Source::Cidrs(blocks) => blocks.as_slice(),
        Source::Tunnel | Source::Operators => &[],
    });
    let listed: BTreeSet<IpNet> = operators
        .chain(of_ports.copied())
        .map(|block| block.trunc())
        .collect();
    Pins {
        my_ip: plan::recalled_address(observed, &profile.name, id, &listed),
        ..Pins::default()
    }
}

/// Of zones that were looked up now, those that the lab has subnets in: a zone that AWS has opened since is not its own.
pub(super) fn zones(session: &Session, reading: &mut Reading) {
    if session.profile.network.zones != Zones::Auto {
        return;
    }
    let (name, id) = (&session.profile.name, &reading.lab_id);
    let Some(in_use) = plan::zones_in_use(reading.inventory(), name, id) else {
        return;
    };
    for zones in reading.gathered.pins.zones.values_mut() {
        zones.retain(|zone| in_use.contains(zone));
    }
}
