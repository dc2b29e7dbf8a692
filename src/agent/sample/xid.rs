//! The kernel's log: NVIDIA's driver reports faults there as numbered Xid messages, also when nothing else answers.

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Xid {
    /// Its place in the kernel's log; it only grows.
    pub(crate) sequence: u64,
    /// What happened.
    pub(crate) code: u32,
    /// Which GPU, by its place on the bus: `0000:00:1e`.
    pub(crate) bus: String,
    /// The message.
    pub(crate) text: String,
}

/// The number of a GPU that fell off the bus.
pub(crate) const FELL_OFF: u32 = 79;

/// Reads one record of `/dev/kmsg`: `priority,sequence,time,flags;text`.
pub(crate) fn parse(record: &str) -> Option<Xid> {
    let (head, text) = record.split_once(';')?;
    let sequence = head.split(',').nth(1)?.parse().ok()?;
    let text = text.lines().next()?;
    let after = text.split_once("NVRM: Xid (")?.1;
    let (place, after) = after.split_once("): ")?;
    let code: String = after.chars().take_while(char::is_ascii_digit).collect();
    Some(Xid {
        sequence,
        code: code.parse().ok()?,
        bus: place
            .trim_start_matches("PCI:")
            .split_whitespace()
            .next()?
            .to_ascii_lowercase(),
        text: text.chars().take(300).collect(),
    })
}

/// Whether a message speaks of the GPU at this place: drivers write a domain of eight digits, the kernel of four.
pub(crate) fn speaks_of(xid: &Xid, bus: &str) -> bool {
    let short = |text: &str| {
        let text = text.to_ascii_lowercase();
        let text = text.split('.').next().unwrap_or_default().to_owned();
        match text.split_once(':') {
            Some((domain, rest)) => format!("{}:{rest}", domain.trim_start_matches('0')),
            None => text,
        }
    };
    short(&xid.bus) == short(bus)
}

/// A word on the numbers that people meet.
pub(crate) fn meaning(code: u32) -> &'static str {
    match code {
        13 => "a program's fault on the GPU",
        31 => "a program touched memory that is not its own",
        43 => "a program was stopped",
        45 => "a program was ended",
        48 => "an uncorrected memory error",
        63 | 64 => "memory rows were remapped",
        74 => "an NVLink error",
        FELL_OFF => "the GPU has fallen off the bus",
        92 | 94 | 95 => "a memory error",
        119 | 120 => "the GPU's own processor does not answer",
        _ => "see NVIDIA's list of Xid errors",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_the_kernel() {
        let record = "3,1234,98765432,-;NVRM: Xid (PCI:0000:00:1e): 79, pid='<unknown>', GPU has fallen off the bus.\n \
                      SUBSYSTEM=pci\n";
        let xid = parse(record).expect("an Xid");
        assert_eq!((xid.sequence, xid.code), (1234, FELL_OFF));
        assert_eq!(xid.bus, "0000:00:1e");
        assert!(speaks_of(&xid, "00000000:00:1E.0"));
        assert!(!speaks_of(&xid, "00000000:00:1F.0"));
        assert!(xid.text.ends_with("fallen off the bus."));
        let other = "4,7,1,-;NVRM: Xid (PCI:0000:65:00 GPU-I:07): 13, Graphics Exception";
        assert_eq!(parse(other).expect("of a part").bus, "0000:65:00");
        for code in [13, 48, FELL_OFF, 120, 7] {
            assert!(!meaning(code).is_empty());
        }
    }

    #[test]
    fn other_records_are_none() {
        for record in [
            "",
            "6,1,2,-;usb 1-1: new device",
            "3,x,1,-;NVRM: Xid (PCI:0000:00:1e): 79",
            "3,1,1,-;NVRM: Xid (PCI:0000:00:1e): none",
            "3,1,1,-;NVRM: Xid (): 7",
            "NVRM: Xid (PCI:0000:00:1e): 79",
        ] {
            assert_eq!(parse(record), None, "{record}");
        }
    }
}
