//! How deep a rule is, told by its document.

use serde_json::Value as Json;

use super::{Segments, operation};

/// The levels of the expressions that a document becomes, shared rules included: never fewer than
/// [`Rule::levels`](crate::ir::Rule::levels) counts, and hardly more. Nothing is read for it. Goes as deep as the rule,
/// which must be bounded.
#[must_use]
pub fn levels(rule: &Json, segments: Segments<'_>) -> usize {
    let deepest = |items: &[Json]| items.iter().map(|item| levels(item, segments)).max().unwrap_or(0);
    let Some((name, operands)) = operation(rule) else {
        return rule.as_array().map_or(0, |items| deepest(items)) + 1;
    };
    let below = match operands {
        Json::Array(items) => deepest(items),
        single => levels(single, segments),
    };
    // a second operand would be a default
    let is_constant = !operands.is_object() && below <= 1 && operands.get(1).is_none();
    match name {
        "var" | "flag" | "config" if is_constant => 1,
        "$ref" | "segment" => {
            let named = operands.as_str().or_else(|| operands.get(0)?.as_str());
            let shared = named.and_then(segments).map_or(0, |shared| levels(shared.document(), &|_| None));
            shared + 2
        }
        _ => below.max(1) + 1,
    }
}

#[cfg(test)]
mod tests {
    use burgee_model::{Key, Limits};
    use proptest::prelude::*;
    use serde_json::Map;

    use super::*;
    use crate::{
        generators,
        parse::{self, shared_rules},
    };

    proptest! {
        #[test]
        fn are_no_fewer_than_those_of_the_rule(
            targeting in generators::targeting(generators::Language::Burgee),
            segments in generators::segments(),
        ) {
            let (all, limits): (Map<String, Json>, _) = (segments, Limits::default());
            let segments = shared_rules(|name| all.get(name).cloned());
            let flag = Key::new("flag").unwrap();
            let rule = parse::rule(&flag, &targeting, &parse::Setting::new(&segments, &limits)).rule.unwrap();
            prop_assert!(levels(&targeting, &segments) >= rule.levels(), "{targeting}");
        }
    }
}
