//! The tables that a module shares among its rules: inputs, literals, texts, functions, expressions.

use std::{collections::HashMap, sync::Arc};

use burgee_guest::abi;
use burgee_model::Value;

use super::{Input, InputSource};
use crate::{function::Function, ir::Expr};

/// Inputs, literals and texts, each numbered in order of first use.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) inputs: Vec<Input>,
    pub(super) literals: Vec<Value>,
    pub(super) texts: Vec<Arc<str>>,
    pub(super) functions: Vec<Function>,
    pub(super) expressions: Vec<Expr>,
    slots: HashMap<InputSource, u32>,
    scalars: HashMap<Scalar, i32>,
    text_ids: HashMap<Arc<str>, i32>,
}

#[derive(PartialEq, Eq, Hash, Debug)]
enum Scalar {
    Number(u64),
    Text(Arc<str>),
}

impl Tables {
    pub(super) fn new() -> Self {
        Self {
            inputs: Vec::new(),
            literals: vec![Value::Null, Value::Bool(false), Value::Bool(true)],
            texts: Vec::new(),
            functions: Vec::new(),
            expressions: Vec::new(),
            slots: HashMap::new(),
            scalars: HashMap::new(),
            text_ids: HashMap::new(),
        }
    }

    /// The slot of an input.
    pub(super) fn slot(&mut self, source: InputSource) -> u32 {
        if let Some(slot) = self.slots.get(&source) {
            return *slot;
        }
        #[allow(clippy::cast_possible_truncation, reason = "at most SLOTS_MAX, for every rule was measured")]
        let slot = self.inputs.len() as u32;
        self.inputs.push(Input { source: source.clone(), needs_text_id: false, needs_version: false });
        self.slots.insert(source, slot);
        slot
    }

    pub(super) fn input(&mut self, slot: u32) -> Option<&mut Input> {
        self.inputs.get_mut(slot as usize)
    }

    /// The operand of a literal. Lists and objects are kept apart even where they are alike, for each equals
    /// only itself.
    pub(super) fn literal(&mut self, value: &Value) -> i32 {
        let scalar = match value {
            Value::Null => return abi::NULL,
            Value::Bool(b) => return abi::boolean(*b),
            Value::Number(n) => Scalar::Number(n.to_bits()),
            Value::Text(text) => Scalar::Text(text.clone()),
            Value::List(_) | Value::Object(_) => return self.add(value),
        };
        if let Some(operand) = self.scalars.get(&scalar) {
            return *operand;
        }
        let operand = self.add(value);
        self.scalars.insert(scalar, operand);
        operand
    }

    fn add(&mut self, value: &Value) -> i32 {
        self.literals.push(value.clone());
        i32::try_from(self.literals.len()).map_or(i32::MIN, |count| -count)
    }

    /// The number of a function.
    pub(super) fn function(&mut self, function: &Function) -> i32 {
        let known = self.functions.iter().position(|known| known == function);
        number(known.unwrap_or_else(|| {
            self.functions.push(function.clone());
            self.functions.len() - 1
        }))
    }

    /// The number of an expression that the host interprets.
    pub(super) fn expression(&mut self, expr: &Expr) -> i32 {
        self.expressions.push(expr.clone());
        number(self.expressions.len() - 1)
    }

    /// The id of a text, for inline comparisons.
    pub(super) fn text_id(&mut self, text: &Arc<str>) -> i32 {
        if let Some(id) = self.text_ids.get(text) {
            return *id;
        }
        self.texts.push(text.clone());
        let id = i32::try_from(self.texts.len()).unwrap_or(i32::MAX);
        self.text_ids.insert(text.clone(), id);
        id
    }
}

fn number(at: usize) -> i32 {
    i32::try_from(at).unwrap_or(i32::MAX)
}
