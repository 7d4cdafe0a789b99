//! User Data Service 1.1 (0x181C): User Control Point and Database Change Increment.
//!
//! Devices that keep several people apart give out what they keep for one of them only after consent: the number of
//! the user, and a code that was agreed when the user was registered.

use varde_wire::Decimal;

use crate::cursor::Cursor;
use crate::decode::{Decoded, Decoder};
use crate::{Description, FieldValue, FrameError, Uuid};

/// User Control Point.
pub const USER_CONTROL_POINT: Uuid = Uuid::sig(0x2A9F);
/// Database Change Increment.
pub const DATABASE_CHANGE_INCREMENT: Uuid = Uuid::sig(0x2A99);

/// Both.
pub(crate) const DECODERS: &[Decoder] = &[
    (0x2A9F, |bytes, _| Ok(Decoded::fields(UserControlPoint::decode(bytes)?.describe()))),
    (0x2A99, |bytes, _| Ok(Decoded::fields(DatabaseChangeIncrement::decode(bytes)?.describe()))),
];

/// A person's leave to read what a device keeps for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The device's number of the user.
    pub user: u8,
    /// What was agreed when the user was registered.
    pub code: ConsentCode,
}

/// A consent code: 0 to 9999. As good as a password, so never shown by accident.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ConsentCode(pub u16);

/// A value of the User Control Point, 0x2A9F.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserControlPoint {
    /// What is asked or answered.
    pub procedure: Procedure,
    /// Bytes after the last field.
    pub rest: Vec<u8>,
}

/// What is asked at the User Control Point, or answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Procedure {
    /// Make a new user.
    RegisterNewUser(ConsentCode),
    /// Be this user from now on.
    Consent(Consent),
    /// Forget the data of the user that consented.
    DeleteUserData,
    /// Tell the users.
    ListAllUsers,
    /// Forget this user; 255 for all.
    DeleteUsers(u8),
    /// What came of it.
    Response(Response),
    /// Not known here.
    Reserved(u8),
}

/// What came of a procedure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response {
    /// The op code of the request.
    pub request: u8,
    /// Whether it worked; see [`Response::name`].
    pub value: u8,
    /// The user that was made or forgotten, or how many there are: with the success of the procedures that have it.
    pub parameter: Option<u8>,
}

/// Database Change Increment, 0x2A99: how often the data of the user that consented were changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseChangeIncrement {
    /// The count.
    pub increment: u32,
    /// Bytes after the field.
    pub rest: Vec<u8>,
}

const REGISTER_NEW_USER: u8 = 0x01;
const CONSENT: u8 = 0x02;
const DELETE_USER_DATA: u8 = 0x03;
const LIST_ALL_USERS: u8 = 0x04;
const DELETE_USERS: u8 = 0x05;
const RESPONSE: u8 = 0x20;

impl UserControlPoint {
    /// What is asked or answered in a value of the characteristic.
    ///
    /// # Errors
    /// Where it ends within a field.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        let procedure = match cursor.u8("op code")? {
            REGISTER_NEW_USER => Procedure::RegisterNewUser(ConsentCode(cursor.u16_le("consent code")?)),
            CONSENT => {
                let user = cursor.u8("user index")?;
                Procedure::Consent(Consent { user, code: ConsentCode(cursor.u16_le("consent code")?) })
            }
            DELETE_USER_DATA => Procedure::DeleteUserData,
            LIST_ALL_USERS => Procedure::ListAllUsers,
            DELETE_USERS => Procedure::DeleteUsers(cursor.u8("user index")?),
            RESPONSE => {
                let (request, value) = (cursor.u8("request op code")?, cursor.u8("response value")?);
                let has_parameter = value == Response::SUCCESS
                    && matches!(request, REGISTER_NEW_USER | LIST_ALL_USERS | DELETE_USERS);
                let parameter = has_parameter.then(|| cursor.u8("response parameter")).transpose()?;
                Procedure::Response(Response { request, value, parameter })
            }
            reserved => Procedure::Reserved(reserved),
        };
        Ok(Self { procedure, rest: cursor.rest().to_vec() })
    }

    /// Its fields.
    pub fn describe(&self) -> Description {
        self.procedure.describe().with_bytes("rest", &self.rest)
    }
}

impl Procedure {
    /// The value of the characteristic.
    pub fn encode(self) -> Vec<u8> {
        match self {
            Self::RegisterNewUser(ConsentCode(code)) => {
                let [low, high] = code.to_le_bytes();
                vec![REGISTER_NEW_USER, low, high]
            }
            Self::Consent(Consent { user, code: ConsentCode(code) }) => {
                let [low, high] = code.to_le_bytes();
                vec![CONSENT, user, low, high]
            }
            Self::DeleteUserData => vec![DELETE_USER_DATA],
            Self::ListAllUsers => vec![LIST_ALL_USERS],
            Self::DeleteUsers(user) => vec![DELETE_USERS, user],
            Self::Response(Response { request, value, parameter }) => {
                [RESPONSE, request, value].into_iter().chain(parameter).collect()
            }
            Self::Reserved(op_code) => vec![op_code],
        }
    }

    fn describe(self) -> Description {
        let description = Description::default();
        match self {
            Self::RegisterNewUser(ConsentCode(code)) => {
                description.with("procedure", "register-new-user").with("consent_code", code)
            }
            Self::Consent(Consent { user, code: ConsentCode(code) }) => {
                description.with("procedure", "consent").with("user_index", user).with("consent_code", code)
            }
            Self::DeleteUserData => description.with("procedure", "delete-user-data"),
            Self::ListAllUsers => description.with("procedure", "list-all-users"),
            Self::DeleteUsers(user) => description.with("procedure", "delete-users").with("user_index", user),
            Self::Response(response) => description
                .with("procedure", "response")
                .with("request_op_code", response.request)
                .with("response_value", response.in_words())
                .with_some("response_parameter", response.parameter),
            Self::Reserved(op_code) => description.with("procedure", op_code),
        }
    }
}

impl Response {
    const SUCCESS: u8 = 1;
    const NAMES: [&str; 5] =
        ["success", "op-code-not-supported", "invalid-parameter", "operation-failed", "user-not-authorized"];

    /// Whether it answers a consent.
    pub const fn is_to_consent(&self) -> bool {
        self.request == CONSENT
    }

    /// Whether the procedure succeeded.
    pub const fn is_success(&self) -> bool {
        self.value == Self::SUCCESS
    }

    /// The word for the response value; none for a reserved one.
    pub fn name(&self) -> Option<&'static str> {
        Self::NAMES.get(usize::from(self.value).checked_sub(1)?).copied()
    }

    /// The response value's word, or its number.
    pub(super) fn in_words(&self) -> FieldValue {
        self.name().map_or_else(|| self.value.into(), FieldValue::from)
    }
}

impl DatabaseChangeIncrement {
    /// The count in a value of the characteristic.
    ///
    /// # Errors
    /// Where it is shorter than four bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut cursor = Cursor::new(bytes);
        Ok(Self { increment: cursor.u32_le("database change increment")?, rest: cursor.rest().to_vec() })
    }

    /// Its field.
    pub fn describe(&self) -> Description {
        Description::default()
            .with("database_change_increment", FieldValue::Number(Decimal::whole(self.increment.into())))
            .with_bytes("rest", &self.rest)
    }
}

impl std::fmt::Debug for ConsentCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConsentCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decode_gatt;
    use crate::describe::unhex;

    const fn response(request: u8, value: u8, parameter: Option<u8>) -> Procedure {
        Procedure::Response(Response { request, value, parameter })
    }

    const fn consent(user: u8, code: u16) -> Procedure {
        Procedure::Consent(Consent { user, code: ConsentCode(code) })
    }

    /// The tests of im97mori's JavaBLEUtil (MIT).
    const VECTORS: &[(&str, Procedure)] = &[
        ("013132", Procedure::RegisterNewUser(ConsentCode(12_849))),
        ("02313233", consent(49, 13_106)),
        ("03", Procedure::DeleteUserData),
        ("04", Procedure::ListAllUsers),
        ("0531", Procedure::DeleteUsers(49)),
        ("20010131", response(1, 1, Some(49))),
        ("200201", response(2, 1, None)),
        ("200301", response(3, 1, None)),
        ("20040131", response(4, 1, Some(49))),
        ("20050131", response(5, 1, Some(49))),
        ("203102", response(0x31, 2, None)),
        ("200103", response(1, 3, None)),
        ("200203", response(2, 3, None)),
        ("200503", response(5, 3, None)),
        ("200104", response(1, 4, None)),
        ("200204", response(2, 4, None)),
        ("200305", response(3, 5, None)),
        ("200205", response(2, 5, None)),
    ];

    #[test]
    fn every_procedure_is_read_and_written() {
        for (hex, procedure) in VECTORS {
            let decoded = UserControlPoint::decode(&unhex(hex)).unwrap();
            assert_eq!((decoded.procedure, decoded.rest.is_empty()), (*procedure, true), "{hex}");
            assert_eq!(procedure.encode(), unhex(hex));
        }
    }

    #[test]
    fn a_truncated_value_names_the_missing_field_and_where_it_begins() {
        let table = [
            (0x2A9F, "", "op code at byte 0: too short: expected length 1, got 0"),
            (0x2A9F, "0131", "consent code at byte 1: too short: expected length 2, got 1"),
            (0x2A9F, "02", "user index at byte 1: too short: expected length 1, got 0"),
            (0x2A9F, "023132", "consent code at byte 2: too short: expected length 2, got 1"),
            (0x2A9F, "05", "user index at byte 1: too short: expected length 1, got 0"),
            (0x2A9F, "20", "request op code at byte 1: too short: expected length 1, got 0"),
            (0x2A9F, "2002", "response value at byte 2: too short: expected length 1, got 0"),
            (0x2A9F, "200101", "response parameter at byte 3: too short: expected length 1, got 0"),
            (0x2A99, "010203", "database change increment at byte 0: too short: expected length 4, got 3"),
        ];
        for (uuid, hex, expected) in table {
            assert_eq!(decode_gatt(uuid, &unhex(hex)).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn what_is_reserved_and_what_comes_after_is_kept() {
        let odd = UserControlPoint::decode(&unhex("7fcafe")).unwrap();
        assert_eq!((odd.procedure, odd.rest.as_slice()), (Procedure::Reserved(0x7F), &[0xCA, 0xFE][..]));
        let Procedure::Response(reserved) = UserControlPoint::decode(&unhex("200206")).unwrap().procedure
        else {
            panic!("a response");
        };
        assert_eq!((reserved.name(), reserved.is_success()), (None, false));
    }

    /// The tests of im97mori's `JavaBLEUtil` (MIT).
    #[test]
    fn an_increment_is_a_count() {
        for (hex, increment) in [("01020304", 67_305_985), ("ffffffff", u32::MAX)] {
            assert_eq!(DatabaseChangeIncrement::decode(&unhex(hex)).unwrap().increment, increment);
        }
    }

    #[test]
    fn a_code_is_not_shown_by_accident() {
        assert_eq!(format!("{:?}", consent(1, 4711)), "Consent(Consent { user: 1, code: ConsentCode(..) })");
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_written_back(bytes in proptest::collection::vec(any::<u8>(), 0..8)) {
            if let Ok(decoded) = UserControlPoint::decode(&bytes) {
                prop_assert_eq!([decoded.procedure.encode(), decoded.rest].concat(), bytes);
            }
        }
    }
}
