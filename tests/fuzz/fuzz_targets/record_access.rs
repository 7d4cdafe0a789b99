#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| varde_fuzz::record_access(bytes));
