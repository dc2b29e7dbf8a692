//! What a profile may ask for that this version reads and checks but does not do yet.

use super::types::{Profile, Schedule};

/// One sentence for each part of the profile that is left out.
pub fn not_built(profile: &Profile) -> Vec<String> {
    let weekly = |schedule: &Schedule| schedule.start.is_some() || schedule.stop.is_some();
    let asked = profile.schedule.as_ref().is_some_and(weekly);
    let sentence =
        "[schedule] start and stop are not acted on yet: nothing starts or stops by the clock";
    asked.then(|| sentence.to_owned()).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::parse;

    #[test]
    fn only_what_is_left_out_is_told() {
        for (schedule, sentences) in [
            ("stop = \"daily 20:00\"", 1),
            ("start = \"daily 08:00\"\nttl = \"12h\"", 1),
            ("ttl = \"12h\"", 0),
        ] {
            let text = format!(
                "version = 1\n[lab]\nname = \"lab\"\nregion = \"us-east-1\"\n[node.sim]\ntypes = [\"g5.2xlarge\"]\n\
                 [idle]\nfor = \"1h\"\n[metrics]\nnamespace = \"Lab\"\n[budget]\nmax_hourly_usd = 5.0\n[schedule]\n{schedule}\n"
            );
            let profile = parse(&text).profile.expect("a profile");
            assert_eq!(not_built(&profile).len(), sentences, "{schedule}");
        }
    }
}
