//! The journal: what is read is what was written, a cut loses no whole line, and what it adds up to can be told.

use roboinfra::state::{Check, JournalText, append_line, fold, read_lines};

use super::seal::chained;
use super::watch::bounded;

/// Checks one input, as it is and with checksums that fit its lines.
pub fn check(data: &[u8]) {
    read(data);
    read(&chained(data));
}

fn read(bytes: &[u8]) {
    let text = match bounded(bytes.len(), || read_lines(bytes)) {
        Ok(text) => text,
        // `ui` cleans what it shows.
        Err(problem) => return assert!(problem.to_string().starts_with("line ")),
    };
    assert!(text.length <= bytes.len());
    written_again(&text);
    cut(bytes, &text);
    match bounded(bytes.len(), || fold(None, &text.records)) {
        Ok(folded) => assert!(folded.next_seq >= 1),
        Err(illegal) => assert!(illegal.number >= 1),
    }
}

fn written_again(text: &JournalText) {
    let mut check = Check::default();
    let mut written = String::new();
    for record in &text.records {
        append_line(&mut check, record, &mut written);
    }
    let again = read_lines(written.as_bytes()).expect("what was written can be read");
    assert_eq!(again.records, text.records);
}

/// Cut anywhere, the lines before the cut are there.
fn cut(bytes: &[u8], text: &JournalText) {
    for end in [bytes.len() / 2, bytes.len().saturating_sub(1)] {
        let part = read_lines(&bytes[..end]).expect("a cut is no damage");
        let whole = bytes[..end].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(part.records, text.records[..whole]);
    }
}
