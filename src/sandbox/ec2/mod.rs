//! EC2: one file per kind of resource, one table of actions.

mod addresses;
mod associations;
mod attributes;
mod discovery;
mod fleet;
mod gateways;
mod groups;
mod groups_rules;
mod images;
mod instances;
mod interfaces;
mod keys;
mod launch;
mod launch_checks;
mod launch_spec;
mod lifecycle;
mod listing;
mod placement;
mod routes;
mod settle;
mod snapshots;
mod spot;
mod spot_state;
mod subnets;
mod table;
mod tags;
mod templates;
mod tokens;
mod volume_attach;
mod volumes;
mod vpcs;

pub(super) use images::public_images;
pub(super) use settle::settle;
pub(super) use table::perform;
