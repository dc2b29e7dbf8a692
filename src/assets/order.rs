//! Steps in the order in which they can run.

use std::sync::Arc;

use super::bundle::Step;

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

/// The steps with those that they need, each after what it needs; otherwise in the order of the list. `find` knows every
/// step.
pub fn in_order<S: AsRef<str>>(
    names: &[S],
    find: &dyn Fn(&str) -> Option<Arc<Step>>,
) -> Result<Vec<Arc<Step>>, OrderError> {
    let mut ordered = Vec::new();
    for name in names {
        visit(name.as_ref(), find, &mut ordered, &mut Vec::new())?;
    }
    Ok(ordered)
}

fn visit(
    name: &str,
    find: &dyn Fn(&str) -> Option<Arc<Step>>,
    ordered: &mut Vec<Arc<Step>>,
    path: &mut Vec<String>,
) -> Result<(), OrderError> {
    if ordered.iter().any(|done| done.header.name == name) {
        return Ok(());
    }
    if path.iter().any(|above| above == name) {
        return Err(OrderError::Circle(name.to_owned()));
    }
    let found = find(name).ok_or_else(|| OrderError::Unknown(name.to_owned()))?;
    path.push(name.to_owned());
    for need in &found.header.needs {
        visit(need, find, ordered, path)?;
    }
    path.pop();
    ordered.push(found);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::step;

    #[test]
    fn what_is_needed_comes_before() {
        let find = |name: &str| step(name).cloned();
        let ordered = in_order(&["docker", "base"], &find).expect("an order");
        let names: Vec<&str> = ordered.iter().map(|step| &*step.header.name).collect();
        assert_eq!(names, ["base", "docker"]);
        assert_eq!(
            in_order(&["dockr"], &find),
            Err(OrderError::Unknown("dockr".to_owned()))
        );
    }
}
