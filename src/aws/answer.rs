//! From an answer to an outcome: what was born, and what counts as done.

use crate::model::{Born, CloudId, Failure, FailureClass, Leftover, Outcome, Ref, Zone};

/// What every operation gives back.
pub(super) type Done = Result<Outcome, Failure>;

/// The id behind a reference; an unresolved one never reaches the cloud.
pub(super) fn id<'a>(reference: &'a Ref, operation: &str) -> Result<&'a str, Failure> {
    match reference.id() {
        Ok(id) => Ok(id.as_str()),
        Err(unresolved) => Err(Failure::local(
            FailureClass::Invalid,
            operation,
            unresolved.to_string(),
        )),
    }
}

/// The ids behind references.
pub(super) fn ids(references: &[Ref], operation: &str) -> Result<Vec<String>, Failure> {
    references
        .iter()
        .map(|r| id(r, operation).map(str::to_owned))
        .collect()
}

/// Nothing new exists.
pub(super) fn done() -> Outcome {
    Outcome::default()
}

/// One thing exists now.
pub(super) fn born(id: impl Into<String>, zone: Option<Zone>) -> Outcome {
    Outcome {
        born: vec![Born {
            id: CloudId::new(id),
            launch_index: 0,
            zone,
        }],
    }
}

/// The id that a creating call must answer with. Without it something exists that nobody can name.
pub(super) fn named(id: Option<&str>, operation: &str) -> Result<String, Failure> {
    id.filter(|id| !id.is_empty())
        .map(str::to_owned)
        .ok_or_else(|| Failure {
            leftover: Leftover::Unknown,
            ..Failure::local(
                FailureClass::Transient,
                operation,
                "the answer names nothing",
            )
        })
}

/// Takes an error of one of these codes for success: the world is already as asked.
pub(super) fn already<T>(codes: &[&str], result: Result<T, Failure>) -> Result<(), Failure> {
    match result {
        Err(failure) if !has_code(&failure, codes) => Err(failure),
        _ => Ok(()),
    }
}

/// Takes "it does not exist" for success: it was to go.
pub(super) fn gone<T>(result: Result<T, Failure>) -> Done {
    match result {
        Err(failure) if failure.class != FailureClass::NotFound => Err(failure),
        _ => Ok(done()),
    }
}

/// Whether the failure carries one of these codes.
pub(super) fn has_code(failure: &Failure, codes: &[&str]) -> bool {
    failure
        .code
        .as_deref()
        .is_some_and(|code| codes.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Address;

    #[test]
    fn an_unresolved_reference_is_refused_here() {
        let failure =
            id(&Ref::to(&Address::new("network.vpc")), "CreateSubnet").expect_err("unresolved");
        assert_eq!(failure.leftover, Leftover::Nothing);
        assert!(failure.message.contains("network.vpc"));
    }

    #[test]
    fn what_is_gone_is_gone_and_nothing_else() {
        let refuse = |class| Err::<(), _>(Failure::local(class, "DeleteVpc", ""));
        assert_eq!(gone(refuse(FailureClass::NotFound)), Ok(Outcome::default()));
        assert!(gone(refuse(FailureClass::Conflict)).is_err());
        assert!(already(&["X"], refuse(FailureClass::NotFound)).is_err());
    }
}
