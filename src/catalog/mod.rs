//! What is known about AWS without asking it: instance types, prices with their date, images, drivers,
//! workloads, regions.
//!
//! Owns: pure look-ups over data shipped with the program. Does not own: what an account may use or pays today;
//! that is read from AWS.

mod component;
mod drivers;
mod images;
mod prices;
mod regions;
mod retired;
mod types;
mod workload;

pub use component::{ComponentNeeds, component};
pub use drivers::{DriverBranch, DriverIssue, driver, driver_issue, drivers};
pub use images::{Image, image, images};
pub use prices::{Basis, PRICES_DATE, Price, Prices, prices};
pub use regions::{Partition, partition, regions};
pub use retired::retired;
pub use types::{Gpu, TypeFacts, all_types, instance_type, zones};
pub use workload::{Lack, Workload, workload};
