//! What became of a call, as far as can be told, and what is done about it.

/// What became of what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// CloudWatch has it.
    Published,
    /// CloudWatch has nothing of it, and may take it later.
    NotTaken(Reason, String),
    /// CloudWatch has nothing of it, and will not have it.
    Rejected(String),
    /// Nobody knows: the answer never came. It is not sent again, because then it might count twice.
    Uncertain(String),
}

/// Why it was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It cannot be reached.
    Unreachable,
    /// It asks for patience.
    Throttled,
    /// It does not let this machine in.
    Denied,
}

/// What an answer with an error means, by its status and code.
pub(crate) fn of_answer(status: u16, code: &str, message: &str) -> Outcome {
    let words = format!("{code} ({status}): {message}");
    let has = |parts: &[&str]| parts.iter().any(|part| code.contains(part));
    if status == 429 || status == 503 || has(&["Throttl", "LimitExceeded", "TooManyRequests"]) {
        return Outcome::NotTaken(Reason::Throttled, words);
    }
    let denied = [
        "AccessDenied",
        "NotAuthorized",
        "UnauthorizedOperation",
        "ExpiredToken",
        "InvalidClientTokenId",
        "UnrecognizedClient",
        "InvalidSignature",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "RequestExpired",
        "OptInRequired",
        "AuthFailure",
    ];
    if status == 401 || status == 403 || has(&denied) {
        return Outcome::NotTaken(Reason::Denied, words);
    }
    if (400..500).contains(&status) {
        return Outcome::Rejected(words);
    }
    // A fault of the service may come after it has taken what it was sent.
    Outcome::Uncertain(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Kind<'a> = &'a dyn Fn(&Outcome) -> bool;

    #[test]
    fn answers() {
        let throttled =
            |outcome: &Outcome| matches!(outcome, Outcome::NotTaken(Reason::Throttled, _));
        let denied = |outcome: &Outcome| matches!(outcome, Outcome::NotTaken(Reason::Denied, _));
        let rejected = |outcome: &Outcome| matches!(outcome, Outcome::Rejected(_));
        let uncertain = |outcome: &Outcome| matches!(outcome, Outcome::Uncertain(_));
        let cases: [(u16, &str, Kind<'_>); 10] = [
            (400, "Throttling", &throttled),
            (400, "ThrottlingException", &throttled),
            (503, "ServiceUnavailable", &throttled),
            (429, "", &throttled),
            (403, "AccessDenied", &denied),
            (400, "ExpiredTokenException", &denied),
            (400, "RequestExpired", &denied),
            (400, "InvalidParameterValue", &rejected),
            (500, "InternalServiceFault", &uncertain),
            (502, "", &uncertain),
        ];
        for (status, code, kind) in cases {
            let outcome = of_answer(status, code, "words");
            assert!(kind(&outcome), "{status} {code}: {outcome:?}");
        }
    }
}
