//! Steps in the order in which they can run.

use super::bundle::step;

/// A list of steps that has no order.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// There is no such step.
    #[error("there is no bootstrap step {0:?}")]
    Unknown(String),
    /// Steps that need each other.
    #[error("the step {0:?} needs itself")]
    Circle(String),
}

/// The steps with those that they need, each after what it needs; otherwise in the order of the list.
pub fn in_order<S: AsRef<str>>(names: &[S]) -> Result<Vec<String>, OrderError> {
    let mut ordered = Vec::new();
    for name in names {
        visit(name.as_ref(), &mut ordered, &mut Vec::new())?;
    }
    Ok(ordered)
}

fn visit(name: &str, ordered: &mut Vec<String>, path: &mut Vec<String>) -> Result<(), OrderError> {
    if ordered.iter().any(|done| done == name) {
        return Ok(());
    }
    if path.iter().any(|above| above == name) {
        return Err(OrderError::Circle(name.to_owned()));
    }
    let found = step(name).ok_or_else(|| OrderError::Unknown(name.to_owned()))?;
    path.push(name.to_owned());
    for need in &found.header.needs {
        visit(need, ordered, path)?;
    }
    path.pop();
    ordered.push(name.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_comes_before() {
        let ordered = in_order(&["docker", "base"]).expect("an order");
        assert_eq!(ordered, ["base", "docker"]);
        assert_eq!(
            in_order(&["dockr"]),
            Err(OrderError::Unknown("dockr".to_owned()))
        );
    }
}
