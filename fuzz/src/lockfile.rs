//! The lockfile: what is read is what was written, and no other text is read.

use roboinfra::state::{LockfileProblem, decode, encode, format_of, serial_of};

use super::seal::sealed;
use super::watch::bounded;

/// Checks one input, as it is and with a seal that fits it.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    read(text);
    read(&sealed(text));
}

fn read(text: &str) {
    format_of(text);
    serial_of(text);
    match bounded(text.len(), || decode(text)) {
        Ok(lockfile) => {
            let written = encode(&lockfile);
            assert_eq!(decode(&written).as_ref(), Ok(&lockfile), "{written}");
            assert_eq!(serial_of(&written), Some(lockfile.serial));
            // What reaches terminals and requests.
            for (address, recorded) in &lockfile.resources {
                let texts = [address.as_str(), recorded.id.as_str()];
                assert!(!texts.concat().contains(char::is_control), "{texts:?}");
            }
        }
        Err(problem) => {
            assert!(!problem.to_string().is_empty());
            if let LockfileProblem::NewerFormat {
                lockfile: Some(lockfile),
                ..
            } = problem
            {
                assert_eq!(decode(&encode(&lockfile)), Ok(*lockfile));
            }
        }
    }
}
