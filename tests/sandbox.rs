//! The sandbox through the real SDK: what it answers, refuses, loses and keeps.

#[path = "sandbox/support.rs"]
mod support;

#[path = "sandbox/access.rs"]
mod access;
#[path = "sandbox/compute.rs"]
mod compute;
#[path = "sandbox/faults.rs"]
mod faults;
#[path = "sandbox/flow.rs"]
mod flow;
#[path = "sandbox/keeping.rs"]
mod keeping;
#[path = "sandbox/listing.rs"]
mod listing;
#[path = "sandbox/network.rs"]
mod network;
#[path = "sandbox/scale.rs"]
mod scale;
#[path = "sandbox/serving.rs"]
mod serving;
#[path = "sandbox/spot.rs"]
mod spot;
#[path = "sandbox/storage.rs"]
mod storage;
