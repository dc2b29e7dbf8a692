//! What would change, why, in what order, and what it costs.
//!
//! Owns: the three-way comparison of desired, recorded and observed; the steps; the bill; the preflight; the check
//! of the plan by code that did not build it. Does not own: showing it (`ui`) or doing it (`apply`).

mod bill;
mod build;
mod byhand;
mod check;
mod classify;
mod devices;
mod diff;
mod difference;
mod digest;
mod foreign;
mod hosts;
mod input;
mod interruption;
mod judged;
mod launch;
mod machine;
mod notice;
mod obstacles;
mod places;
mod power;
mod preflight;
mod rate;
mod recall;
mod restart;
mod steps;
mod summary;
mod tagging;
mod teardown;
mod types;
mod watch_bill;

pub use bill::{Bill, SpotPrices, bill, keep};
pub use build::build;
pub use byhand::{Made, bound_parts, import, release, relocate, rollback};
pub use check::{Flaw, check};
pub use digest::{fingerprint, spec_digest};
pub use foreign::{foreign, strangers};
pub use hosts::{HostPlan, StepPlan, VersionDrift, host_plans, lasting_machines};
pub use input::Input;
pub use notice::{Notice, Severity};
pub use places::{add_found, missing, owned, remembered};
pub use power::{Power, other_types, power, start_as};
pub use preflight::{Capacity, Demand, demands, preflight};
pub use rate::{BillLine, Rate};
pub use recall::{ForgottenImage, forgotten_images, is_same_image, recalled_address, zones_in_use};
pub use types::{Binding, Change, Mode, Plan, Step, StepId, Tally};
