use proptest::prelude::*;

use super::*;
use crate::describe::unhex;

/// What a value says, in one line.
fn summary(hex: &str) -> String {
    let RecordAccess { op_code, operator, operand } = match RecordAccess::decode(&unhex(hex)) {
        Ok(value) => value,
        Err(error) => return error.to_string(),
    };
    let operand = match operand {
        Operand::None => String::new(),
        Operand::Filter { filter_type, limits } => format!(" filter {filter_type} {}", super::hex(&limits)),
        Operand::Number(number) => format!(" {number}"),
        Operand::Response { request, code } => format!(" {} {}", request.name(), code.name()),
        Operand::Other(rest) => format!(" other {}", super::hex(&rest)),
    };
    format!("{} {}{operand}", op_code.name(), operator.name())
}

/// The tests of Nordic's Android BLE Library (BSD-3-Clause). It refuses the last three but one, which a meter does not
/// send: they are requests, and well-formed. Response code 10, unknown to it, is "server busy" by now.
#[test]
fn answers_agree_with_another_implementation() {
    let table = [
        ("06000101", "response-code null report-stored-records success"),
        ("06000c02", "response-code null reserved op-code-not-supported"),
        ("06000103", "response-code null report-stored-records invalid-operator"),
        ("06000204", "response-code null delete-stored-records operator-not-supported"),
        ("06000105", "response-code null report-stored-records invalid-operand"),
        ("06000106", "response-code null report-stored-records no-records-found"),
        ("06000307", "response-code null abort-operation abort-unsuccessful"),
        ("06000208", "response-code null delete-stored-records procedure-not-completed"),
        ("06000209", "response-code null delete-stored-records operand-not-supported"),
        ("0600010a", "response-code null report-stored-records server-busy"),
        ("050001", "number-of-stored-records-response null 1"),
        ("05000201", "number-of-stored-records-response null 258"),
        ("050004030201", "number-of-stored-records-response null 16909060"),
        ("0500030201", "number of records at byte 2: expected a length of 1 to 4, got 3"),
        ("0101", "report-stored-records all-records"),
        ("0103010200", "report-stored-records greater-than-or-equal-to filter 1 0200"),
        ("060101", "response code value at byte 3: too short: expected length 1, got 0"),
    ];
    for (hex, expected) in table {
        assert_eq!(summary(hex), expected, "{hex}");
    }
}

/// The tests of im97mori's JavaBLEUtil (MIT): each op code with each operator and filter type. Its limits are one byte
/// long, which no service has; they are shown as they are.
#[test]
fn every_op_code_operator_filter_and_response_has_its_word() {
    let requests = ["report-stored-records", "delete-stored-records", "", "report-number-of-stored-records"];
    let requests = [(1, requests[0]), (2, requests[1]), (4, requests[3]), (7, "combined-report")];
    let bounded = [
        (2, "less-than-or-equal-to", "01"),
        (3, "greater-than-or-equal-to", "01"),
        (4, "within-range-of", "0102"),
    ];
    for (op_code, word) in requests {
        for (operator, of) in [(1, "all-records"), (5, "first-record"), (6, "last-record")] {
            assert_eq!(summary(&format!("{op_code:02x}{operator:02x}")), format!("{word} {of}"));
        }
        for (operator, of, limits) in bounded {
            for filter in [1, 2, 4, 7] {
                let hex = format!("{op_code:02x}{operator:02x}{filter:02x}{limits}");
                assert_eq!(summary(&hex), format!("{word} {of} filter {filter} {limits}"));
            }
        }
        let codes = [
            "success",
            "op-code-not-supported",
            "invalid-operator",
            "operator-not-supported",
            "invalid-operand",
            "no-records-found",
            "abort-unsuccessful",
            "procedure-not-completed",
            "operand-not-supported",
            "server-busy",
            "reserved",
        ];
        for (code, of) in (1..).zip(codes) {
            let hex = format!("0600{op_code:02x}{code:02x}");
            assert_eq!(summary(&hex), format!("response-code null {word} {of}"));
        }
    }
    assert_eq!(summary("030003"), "abort-operation null other 03");
    assert_eq!(summary("080001"), "combined-report-response null 1");
}

#[test]
fn a_value_that_ends_too_early_names_the_missing_field() {
    let table = [
        ("", "op code at byte 0: too short: expected length 1, got 0"),
        ("01", "operator at byte 1: too short: expected length 1, got 0"),
        ("0500", "number of records at byte 2: too short: expected length 2, got 0"),
        ("0600", "request op code at byte 2: too short: expected length 1, got 0"),
    ];
    for (hex, expected) in table {
        assert_eq!(summary(hex), expected);
    }
}

#[test]
fn requests_are_the_bytes_that_meters_know() {
    let table = [
        (RecordAccess::request(OpCode::REPORT, Selection::All), "0101"),
        (RecordAccess::request(OpCode::REPORT, Selection::AtLeast(0x1234_u16.into())), "0103013412"),
        (RecordAccess::request(OpCode::REPORT_NUMBER, Selection::AtLeast(1_u16.into())), "0403010100"),
        (RecordAccess::request(OpCode::DELETE, Selection::AtMost(0xFFFF_u16.into())), "020201ffff"),
        (
            RecordAccess::request(OpCode::COMBINED_REPORT, Selection::AtLeast(0x1234_5678_u32.into())),
            "07030178563412",
        ),
        (RecordAccess::abort(), "0300"),
    ];
    for (request, expected) in table {
        assert_eq!(super::hex(&request.encode()), expected);
    }
}

#[test]
fn limits_are_shown_as_what_they_limit_where_that_is_known() {
    let names = |hex: &str| {
        let described = RecordAccess::decode(&unhex(hex)).unwrap().describe();
        described.fields().iter().skip(2).map(|field| field.name).collect::<Vec<_>>()
    };
    assert_eq!(names("0103013412"), ["filter_type", "limit"]);
    assert_eq!(names("01040134127856"), ["filter_type", "lower_limit", "upper_limit"]);
    assert_eq!(names("010302ea070a12000000"), ["filter_type", "limit"]);
    assert_eq!(names("010402ea070a12000000ea070a13000000"), ["filter_type", "lower_limit", "upper_limit"]);
    assert_eq!(names("010301341278"), ["filter_type", "limits"]);
    assert_eq!(names("06000101"), ["request_op_code", "response_code", "response_code_value"]);
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_as_it_came(
        bytes in proptest::collection::vec(prop_oneof![0..9_u8, any::<u8>()], 0..20),
    ) {
        if let Ok(value) = RecordAccess::decode(&bytes) {
            let written = value.encode();
            prop_assert_eq!(RecordAccess::decode(&written).unwrap(), value.clone());
            // A number may take more bytes than it needs, and an answer bytes that mean nothing.
            if !matches!(value.operand, Operand::Number(_) | Operand::Response { .. }) {
                prop_assert_eq!(written, bytes);
            }
        }
    }
}
