//! The AWS adapter: the cloud port spoken through the AWS SDK, to AWS itself, to an emulator behind an endpoint,
//! or to the sandbox behind an HTTP client.
//!
//! Owns: which API calls a reading or an operation is, and what their errors mean. Does not own: retrying effects,
//! waiting for states, or judging what was seen; the engine and the plan do.

mod answer;
mod classify;
mod cloud;
mod cloudwatch;
mod collect;
mod connect;
mod ec2;
mod find;
mod iam;
mod patience;
mod perform;
mod quotas;
mod s3;
mod sight;
mod ssm;
mod sts;
mod whoami;

pub use connect::{Aws, ImageParameter, Settings};
pub use s3::{Bucket, Made};
pub use whoami::CheckIp;
