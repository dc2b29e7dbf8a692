//! S3: a bucket for shared state.

mod bucket;
mod make;
mod objects;

pub use bucket::Bucket;
pub use make::Made;
