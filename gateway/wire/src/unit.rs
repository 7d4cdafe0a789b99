//! Units, by their UCUM codes.

use serde::{Deserialize, Serialize};

macro_rules! units {
    ($($name:ident $code:literal $doc:literal,)*) => {
        /// A unit of measure. On the wire its place in this list: append only.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Unit {
            $(#[doc = $doc] $name,)*
        }

        impl Unit {
            /// Every unit, in wire order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The UCUM code, case sensitive.
            pub const fn ucum(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

units! {
    MillimetreOfMercury "mm[Hg]" "Pressure, millimetre of mercury.",
    KiloPascal "kPa" "Pressure, kilopascal.",
    PerMinute "/min" "Rate, per minute.",
    Percent "%" "Percent.",
    Celsius "Cel" "Temperature, degree Celsius.",
    Kilogram "kg" "Mass, kilogram.",
    MillimolePerLitre "mmol/L" "Amount concentration, millimole per litre.",
    Second "s" "Time, second.",
    DecibelMilliwatt "dB[mW]" "Signal strength, decibel over one milliwatt.",
}
