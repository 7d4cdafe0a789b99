//! "Did you mean": the known word nearest to a mistyped one.

/// Of the `known` words the one that needs the fewest letters added, left out, changed or swapped with their
/// neighbour; none if that is more than a third of them.
pub(super) fn nearest<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    // A word that long is no slip of the finger, and the distance costs the square of its length.
    let typed: Vec<char> = typed.chars().take(64).flat_map(char::to_lowercase).collect();
    let within = (typed.len() / 3).max(1);
    known
        .iter()
        .map(|word| (distance(&typed, &word.to_lowercase().chars().collect::<Vec<_>>()), *word))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= within)
        .map(|(_, word)| word)
}

/// The optimal string alignment distance.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let changed = last[j] + usize::from(from != to);
            let mut cost = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *from == b[j - 1] && a[i - 1] == *to {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word_and_another_word_none() {
        let known = ["blood-pressure", "port", "profile", "F6-02-01"];
        for (typed, meant) in [
            ("blood-presure", Some("blood-pressure")),
            ("Port", Some("port")),
            ("prot", Some("port")),
            ("proflie", Some("profile")),
            ("f6-02-01", Some("F6-02-01")),
            ("", None),
            ("thermometer", None),
            ("å", None),
        ] {
            assert_eq!(nearest(typed, &known), meant, "{typed}");
        }
        assert_eq!(nearest("x", &[]), None);
    }
}
