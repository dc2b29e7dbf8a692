//! Exit codes. They are an API: scripts and pipelines depend on them.

/// Done, or nothing to do.
pub const DONE: u8 = 0;
/// Failed. Also the code of a usage error.
pub const FAILED: u8 = 1;
/// `plan --detailed-exitcode`: there are changes.
pub const CHANGES: u8 = 2;
/// The profile is invalid.
pub const PROFILE: u8 = 3;
/// No valid credentials, or a permission is missing.
pub const CREDENTIALS: u8 = 4;
/// Another run holds the lab.
pub const LOCKED: u8 = 5;
/// Applied in part; running it again continues.
pub const PARTIAL: u8 = 6;
/// No capacity, or a quota is used up.
pub const CAPACITY: u8 = 7;
/// Interrupted by the user.
pub const INTERRUPTED: u8 = 130;

/// All codes with what they mean, for the documentation.
pub const ALL: [(u8, &str); 9] = [
    (DONE, "done, or nothing to do"),
    (FAILED, "failed, or the command line is wrong"),
    (CHANGES, "`plan --detailed-exitcode` found changes"),
    (PROFILE, "the profile is invalid"),
    (
        CREDENTIALS,
        "no valid credentials, or a permission is missing",
    ),
    (LOCKED, "another run holds the lab"),
    (PARTIAL, "applied in part: run it again to continue"),
    (CAPACITY, "no capacity, or a quota is used up"),
    (INTERRUPTED, "interrupted"),
];

/// The code that is reported where several hold.
pub fn most_telling(codes: impl IntoIterator<Item = u8>) -> u8 {
    const PRECEDENCE: [u8; 8] = [
        INTERRUPTED,
        CREDENTIALS,
        CAPACITY,
        PARTIAL,
        LOCKED,
        PROFILE,
        FAILED,
        CHANGES,
    ];
    let codes: Vec<u8> = codes.into_iter().collect();
    PRECEDENCE
        .into_iter()
        .find(|code| codes.contains(code))
        .unwrap_or(DONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_telling_code_wins() {
        for (codes, told) in [
            (&[][..], DONE),
            (&[FAILED, PARTIAL], PARTIAL),
            (&[PARTIAL, CAPACITY], CAPACITY),
            (&[CAPACITY, CREDENTIALS], CREDENTIALS),
            (&[CREDENTIALS, INTERRUPTED], INTERRUPTED),
            (&[DONE, CHANGES], CHANGES),
        ] {
            assert_eq!(most_telling(codes.iter().copied()), told, "{codes:?}");
        }
    }
}
