//! Text from elsewhere: what the fuzzers check, held on their corpus with every compiler; names that try to be
//! something else; and inputs made to take long.

#[expect(unreachable_pub, reason = "it is a crate of its own for the fuzzers")]
#[path = "../fuzz/src/lib.rs"]
mod checks;
#[path = "untrusted/corpus.rs"]
mod corpus;
#[path = "untrusted/names.rs"]
mod names;
#[path = "untrusted/slow.rs"]
mod slow;
