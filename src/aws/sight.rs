//! From an API's description of a thing to a sighting.

use aws_smithy_types::DateTime;
use jiff::Timestamp;

use crate::inventory::{Owner, Seen, Sighting};
use crate::model::{CloudId, LabName, TAG_LAB, Tags};

/// A sighting whose owner its own tags tell.
pub(super) fn sighted(id: &str, tags: Tags, created: Option<&DateTime>, seen: Seen) -> Sighting {
    let launch_index = match &seen {
        Seen::Instance(instance) => Some(instance.launch_index),
        _ => None,
    };
    Sighting {
        id: CloudId::new(id),
        owner: Owner::of(&tags, launch_index),
        tags,
        created: created.and_then(moment),
        seen,
    }
}

/// Whether these are tags of the lab, or of any lab where none is named.
pub(super) fn is_of(tags: &Tags, lab: Option<&LabName>) -> bool {
    match (tags.get(TAG_LAB), lab) {
        (Some(name), Some(lab)) => name == lab.as_str(),
        (name, None) => name.is_some(),
        (None, Some(_)) => false,
    }
}

/// The SDK's time as ours.
pub(super) fn moment(time: &DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

/// An id, unless it is missing or empty: some emulators send empty elements.
pub(super) fn cloud_id(text: Option<&str>) -> Option<CloudId> {
    text.filter(|text| !text.is_empty()).map(CloudId::new)
}

/// A count, unless it is missing or negative.
pub(super) fn count(number: Option<i32>) -> Option<u32> {
    number.and_then(|n| u32::try_from(n).ok())
}
