//! Journal records as lines of text. Each line carries a checksum over itself and the line before, so that a line
//! that was torn, changed, dropped or moved is noticed.

use sha2::{Digest, Sha256};

use super::Record;
use super::codec::hex;

/// The version of the line format that is written.
const FORMAT: u32 = 1;
const CHECK_HEX: usize = 16;
const OPEN: &str = "{\"v\":1,\"check\":\"";
const MIDDLE: &str = "\",\"record\":";
const CLOSE: &str = "}";

/// The checksum of the line before; the next line's checksum builds on it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Check(String);

impl Check {
    fn next(&self, record: &[u8]) -> Self {
        let digest = Sha256::new()
            .chain_update(&self.0)
            .chain_update(record)
            .finalize();
        let mut text = hex(&digest);
        text.truncate(CHECK_HEX);
        Self(text)
    }
}

/// What a journal's text holds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JournalText {
    /// The records, in order.
    pub records: Vec<Record>,
    /// How many bytes the whole lines take; what follows is a line whose write was cut off.
    pub length: usize,
    /// The checksum that the next line builds on.
    pub check: Check,
}

/// Why a text is not a journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalProblem {
    /// A line that is whole is not what was written.
    #[error("line {line} does not match its checksum")]
    Corrupt {
        /// The line, from 1.
        line: usize,
    },
    /// A newer roboinfra wrote it.
    #[error("line {line} has format {found}, and this roboinfra reads format {FORMAT}")]
    NewerFormat {
        /// The line, from 1.
        line: usize,
        /// The format it has.
        found: u32,
    },
    /// A line is what was written, and is not a record that is known here.
    #[error("line {line} is not a journal record: {message}")]
    NotARecord {
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
}

/// Appends `record` to `text` as a line and moves `check` on.
pub fn append_line(check: &mut Check, record: &Record, text: &mut String) {
    let json = serde_json::to_string(record)
        .expect("records hold texts, numbers and maps with text keys, which are always JSON");
    *check = check.next(json.as_bytes());
    for part in [OPEN, &check.0, MIDDLE, &json, CLOSE, "\n"] {
        text.push_str(part);
    }
}

/// Reads the lines of a journal. A last line without its end is left out: its write was cut off, so nobody has
/// acted on it.
pub fn read_lines(bytes: &[u8]) -> Result<JournalText, JournalProblem> {
    let mut text = JournalText::default();
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let Some(whole) = line.strip_suffix(b"\n") else {
            break;
        };
        let (record, check) = read_line(whole, &text.check, index + 1)?;
        text.records.push(record);
        text.check = check;
        text.length += line.len();
    }
    Ok(text)
}

fn read_line(bytes: &[u8], before: &Check, line: usize) -> Result<(Record, Check), JournalProblem> {
    let Some((check, json)) = split_line(bytes) else {
        return Err(match version(bytes) {
            Some(found) if found > FORMAT => JournalProblem::NewerFormat { line, found },
            _ => JournalProblem::Corrupt { line },
        });
    };
    let expected = before.next(json);
    if expected.0.as_bytes() != check {
        return Err(JournalProblem::Corrupt { line });
    }
    let record = serde_json::from_slice(json).map_err(|error| JournalProblem::NotARecord {
        line,
        message: error.to_string(),
    })?;
    Ok((record, expected))
}

/// The checksum and the record's own text.
fn split_line(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = line.strip_prefix(OPEN.as_bytes())?;
    let (check, rest) = rest.split_at_checked(CHECK_HEX)?;
    let json = rest
        .strip_prefix(MIDDLE.as_bytes())?
        .strip_suffix(CLOSE.as_bytes())?;
    Some((check, json))
}

fn version(line: &[u8]) -> Option<u32> {
    let rest = std::str::from_utf8(line).ok()?.strip_prefix("{\"v\":")?;
    rest.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::state::samples;

    fn write(records: &[Record]) -> String {
        let mut check = Check::default();
        let mut text = String::new();
        for record in records {
            append_line(&mut check, record, &mut text);
        }
        text
    }

    #[test]
    fn a_line_is_json_and_as_documented() {
        let text = write(&samples::journal()[..2]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(
            lines[1],
            r#"{"v":1,"check":"CHECK","record":{"record":"intent","seq":1,"address":"network.vpc","kind":"vpc","token":"t-1","at":"2026-01-02T03:04:05Z"}}"#
                .replace("CHECK", &lines[1][16..32])
        );
        for line in lines {
            serde_json::from_str::<serde_json::Value>(line).expect("every line is JSON");
        }
    }

    #[test]
    fn every_record_is_read_back() {
        let records = samples::journal();
        let text = write(&records);
        let read = read_lines(text.as_bytes()).expect("it is a journal");
        assert_eq!(read.records, records);
        assert_eq!(read.length, text.len());

        let mut check = read.check;
        let mut more = text.clone();
        append_line(&mut check, &records[1], &mut more);
        let read = read_lines(more.as_bytes()).expect("a journal can be gone on with");
        assert_eq!(read.records.len(), records.len() + 1);
    }

    #[test]
    fn a_journal_torn_at_any_byte_keeps_its_whole_lines() {
        let text = write(&samples::journal());
        for end in 0..=text.len() {
            let read = read_lines(&text.as_bytes()[..end]).expect("a torn line is no corruption");
            let whole = text[..end].matches('\n').count();
            assert_eq!(read.records.len(), whole, "{end}");
            assert!(read.length <= end);
        }
    }

    #[test]
    fn what_is_not_a_torn_end_is_named_by_line() {
        let text = write(&samples::journal());
        let lines: Vec<_> = text.split_inclusive('\n').collect();
        let dropped = [lines[0], lines[2], lines[3]].concat();
        let swapped = [lines[0], lines[2], lines[1]].concat();
        let newer = text.replacen("{\"v\":1,", "{\"v\":2,", 1);
        let zeros = format!("{}\0\0\0\n", lines[0]);
        let cases = [
            (dropped, "line 2 does not match"),
            (swapped, "line 2 does not match"),
            (newer, "line 1 has format 2"),
            (zeros, "line 2 does not match"),
            (format!("\n{text}"), "line 1 does not match"),
            (
                "{\"v\":1,\"check\":\"\n".to_owned(),
                "line 1 does not match",
            ),
        ];
        for (text, expected) in cases {
            let problem = read_lines(text.as_bytes()).expect_err(expected).to_string();
            assert!(
                problem.contains(expected),
                "{problem:?} should say {expected:?}"
            );
        }
        let json = "{\"record\":\"moved\"}";
        let check = Check::default().next(json.as_bytes());
        let unknown = format!("{OPEN}{}{MIDDLE}{json}{CLOSE}\n", check.0);
        let problem = read_lines(unknown.as_bytes()).expect_err("not a record");
        assert!(
            problem.to_string().contains("unknown variant `moved`"),
            "{problem}"
        );
    }

    proptest! {
        #[test]
        fn a_changed_byte_is_noticed(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
            let records = samples::journal();
            let text = write(&records);
            let mut bytes = text.clone().into_bytes();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            // A changed last byte is a line without its end, which is cut off.
            match read_lines(&bytes) {
                Ok(read) => prop_assert!(at == text.len() - 1 && read.records.len() == records.len() - 1),
                Err(problem) => prop_assert!(problem.to_string().starts_with("line ")),
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_lines(&bytes);
        }

        #[test]
        fn any_resources_are_read_back(lockfile in samples::any_lockfile()) {
            let records: Vec<_> = samples::building(&lockfile).collect();
            let read = read_lines(write(&records).as_bytes()).expect("it is a journal");
            prop_assert_eq!(read.records, records);
        }
    }
}
