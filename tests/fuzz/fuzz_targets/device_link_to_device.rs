#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| varde_fuzz::device_link_to_device(bytes));
