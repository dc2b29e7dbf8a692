//! What others do to a lab and what its owner does by hand: changes in the console, foreign things in its network,
//! renamed nodes, protected machines, imports, and applies that are taken back. The real binary in the sandbox, with an
//! AWS client of its own on the same account.

#[path = "drift/account.rs"]
mod account;
#[path = "cli/bench.rs"]
#[expect(
    dead_code,
    reason = "the bench is shared with the tests of the command line"
)]
mod bench;
#[path = "drift/by_hand.rs"]
mod by_hand;
#[path = "drift/console.rs"]
mod console;
#[path = "drift/foreign.rs"]
mod foreign;
#[path = "drift/labs.rs"]
mod labs;
#[path = "drift/moved.rs"]
mod moved;
#[path = "drift/protected.rs"]
mod protected;
#[path = "drift/rollback.rs"]
mod rollback;
#[path = "drift/watch.rs"]
mod watch;
