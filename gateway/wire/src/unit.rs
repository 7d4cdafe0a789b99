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
    Fahrenheit "[degF]" "Temperature, degree Fahrenheit.",
    Gram "g" "Mass, gram.",
    Pound "[lb_av]" "Mass, pound.",
    Metre "m" "Length, metre.",
    Millimetre "mm" "Length, millimetre.",
    Inch "[in_i]" "Length, inch.",
    MilligramPerDecilitre "mg/dL" "Mass concentration, milligram per decilitre.",
    MilligramPerDecilitrePerMinute "mg/dL/min" "Rate of change of a mass concentration.",
    Joule "J" "Energy, joule.",
    Kilojoule "kJ" "Energy, kilojoule.",
    Ohm "Ohm" "Electrical resistance or impedance, ohm.",
    KilogramPerSquareMetre "kg/m2" "Body mass index.",
    Millisecond "ms" "Time, millisecond.",
    Minute "min" "Time, minute.",
    Hour "h" "Time, hour.",
    Day "d" "Time, day.",
    Lux "lx" "Illuminance, lux.",
    Pascal "Pa" "Pressure, pascal.",
    Hectopascal "hPa" "Pressure, hectopascal.",
    Volt "V" "Electric potential, volt.",
    Ampere "A" "Electric current, ampere.",
    Watt "W" "Power, watt.",
    KilowattHour "kW.h" "Energy, kilowatt-hour.",
    CubicMetre "m3" "Volume, cubic metre.",
    CubicMetrePerHour "m3/h" "Volume flow, cubic metre per hour.",
    Litre "L" "Volume, litre.",
    Millilitre "mL" "Volume, millilitre.",
    LitrePerMinute "L/min" "Volume flow, litre per minute.",
    MetrePerSecond "m/s" "Speed, metre per second.",
    MetrePerSquareSecond "m/s2" "Acceleration, metre per second squared.",
    StandardGravity "[g]" "Acceleration, standard gravity.",
    Degree "deg" "Plane angle, degree.",
    DegreePerSecond "deg/s" "Angular speed, degree per second.",
    DecibelOfSound "dB[SPL]" "Sound pressure level, decibel.",
    MicrogramPerCubicMetre "ug/m3" "Mass concentration in air, microgram per cubic metre.",
    GramPerCubicMetre "g/m3" "Mass concentration in air, gram per cubic metre.",
    PartsPerMillion "[ppm]" "Fraction, parts per million.",
    PartsPerBillion "[ppb]" "Fraction, parts per billion.",
    MicrosiemensPerCentimetre "uS/cm" "Conductivity, microsiemens per centimetre.",
    Kelvin "K" "Temperature, kelvin.",
    Hertz "Hz" "Frequency, hertz.",
    One "1" "A number without a dimension.",
    Kilocalorie "kcal" "Energy, kilocalorie.",
    Kilometre "km" "Length, kilometre.",
    MillimolePerLitrePerMinute "mmol/L/min" "Rate of change of an amount concentration.",
}
