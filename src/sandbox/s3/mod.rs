//! S3, as far as shared state needs it: buckets, their settings, and objects written on condition.

mod buckets;
mod dress;
mod objects;
mod table;

pub(crate) use dress::dressed;
pub(crate) use table::perform;
