//! The permissions that `roboinfra policy` prints: that the table behind them lists what the adapter calls, that
//! every statement is one that IAM can evaluate, and that a lab can live with them and with nothing more.

mod calls;
mod document;
mod facts;
mod gate;
mod iam;
mod lab;
mod moto;
mod request;
mod sufficient;
