#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| roboinfra_fuzz::scenario::check(data));
