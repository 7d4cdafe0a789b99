//! Which questions read all items of a unit.

use crate::modbus::{Item, Query, Table};

/// Fewer than a unit gives at once by the standard (2000 bits, 125 registers): cheap ones stop earlier.
const MOST: u16 = 60;

/// The questions for these items: registers that touch are read together. Those with a gap between them are not, since a
/// unit may refuse to read what it does not have.
pub(crate) fn queries(unit: u8, items: &[Item]) -> Vec<Query> {
    let mut spans: Vec<(Table, u16, u16)> = items
        .iter()
        .map(|item| (item.register.table, item.register.address, item.register.kind.width()))
        .collect();
    spans.sort_unstable();
    let mut queries: Vec<Query> = Vec::new();
    for (table, first, width) in spans {
        let end = u32::from(first).saturating_add(width.into());
        if let Some(last) = queries.last_mut().filter(|last| last.table == table) {
            let length = end.saturating_sub(last.first.into());
            let touches = u32::from(first) <= u32::from(last.first).saturating_add(last.count.into());
            if touches && length <= MOST.into() {
                last.count = last.count.max(u16::try_from(length).unwrap_or(MOST));
                continue;
            }
        }
        queries.push(Query { unit, table, first, count: width });
    }
    queries
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(items: &[&str]) -> Vec<(Table, u16, u16)> {
        let items: Vec<Item> = items.iter().map(|text| text.parse().unwrap()).collect();
        queries(7, &items).into_iter().map(|query| (query.table, query.first, query.count)).collect()
    }

    #[test]
    fn what_touches_is_read_together_and_what_does_not_is_not() {
        let items = [
            "input 12 i16 MDC_TEMP_ROOM Cel 1e-1",
            "input 10 u32 MDCX_ENERGY kW.h",
            "input 14 u16 MDCX_HUMIDITY %",
            "holding 13 bit 1 on tamper off tamper-cleared",
            "holding 13 bit 2 on water off water-cleared",
            "discrete 0 off mains-lost on mains-restored",
            "discrete 1 on battery-low off battery-restored",
        ];
        let expected =
            [(Table::Discrete, 0, 2), (Table::Holding, 13, 1), (Table::Input, 10, 3), (Table::Input, 14, 1)];
        assert_eq!(plan(&items), expected);
    }

    proptest! {
        /// Each item is within one question, and no question is too long.
        #[test]
        fn every_item_is_within_one_question(addresses in proptest::collection::vec((0..300_u16, any::<bool>()), 1..60)) {
            let items: Vec<Item> = addresses
                .iter()
                .map(|(address, wide)| format!("input {address} {} MDCX_COUNT 1", if *wide { "u32" } else { "u16" }))
                .map(|text| text.parse().unwrap())
                .collect();
            let queries = queries(1, &items);
            for item in &items {
                let (first, width) = (item.register.address, item.register.kind.width());
                let holds = |query: &&Query| query.first <= first && first + width <= query.first + query.count;
                prop_assert!(queries.iter().any(|query| holds(&query)));
            }
            prop_assert!(queries.iter().all(|query| query.count <= MOST));
        }
    }
}
