//! A function's body while it is written.

use std::collections::BTreeSet;

use burgee_guest::abi::{self, HostFunction};
use wasm_encoder::{BlockType, Function, InstructionSink, MemArg, ValType};

/// A body: instructions, locals, and what it was found to use.
#[derive(Debug, Default)]
pub(super) struct Code {
    bytes: Vec<u8>,
    parameters: u32,
    locals: Vec<ValType>,
    /// The slots that it reads, or that a function reads that it calls.
    pub(super) slots: BTreeSet<u32>,
    /// Whether it, or a function that it calls, calls the host.
    pub(super) calls_host: bool,
}

/// The type of a block that leaves an `i32`.
pub(super) const I32: BlockType = BlockType::Result(ValType::I32);

impl Code {
    pub(super) fn new(parameters: u32) -> Self {
        Self { parameters, ..Self::default() }
    }

    /// Where instructions go.
    pub(super) fn op(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.bytes)
    }

    /// A new local.
    pub(super) fn local(&mut self, of: ValType) -> u32 {
        self.locals.push(of);
        #[allow(clippy::cast_possible_truncation, reason = "a rule has at most NODES_MAX expressions")]
        let at = self.parameters + self.locals.len() as u32 - 1;
        at
    }

    /// Leaves an `i32` constant.
    pub(super) fn i32(&mut self, value: i32) {
        self.op().i32_const(value);
    }

    /// Calls the host; the parameters are on the stack.
    pub(super) fn host(&mut self, function: HostFunction) {
        self.calls_host = true;
        self.op().call(function as u32);
    }

    /// Leaves the tag of a cell.
    pub(super) fn tag(&mut self, slot: u32) {
        self.slots.insert(slot);
        self.i32(0);
        self.op().i32_load8_u(cell(slot, abi::CELL_TAG, 0));
    }

    /// Leaves whether the cell's tag is this one.
    pub(super) fn tag_is(&mut self, slot: u32, tag: abi::Tag) {
        self.tag(slot);
        self.i32(tag as i32);
        self.op().i32_eq();
    }

    /// Leaves whether the cell is absent or null.
    pub(super) fn is_null(&mut self, slot: u32) {
        self.tag(slot);
        self.i32(abi::Tag::Null as i32);
        self.op().i32_le_u();
    }

    /// Leaves the cell's truth.
    pub(super) fn truthy(&mut self, slot: u32) {
        self.slots.insert(slot);
        self.i32(0);
        self.op().i32_load8_u(cell(slot, abi::CELL_TRUTHY, 0));
    }

    /// Leaves the cell's text id.
    pub(super) fn text_id(&mut self, slot: u32) {
        self.slots.insert(slot);
        self.i32(0);
        self.op().i32_load(cell(slot, abi::CELL_TEXT_ID, 2));
    }

    /// Leaves the cell's number.
    pub(super) fn number(&mut self, slot: u32) {
        self.slots.insert(slot);
        self.i32(0);
        self.op().f64_load(cell(slot, abi::CELL_NUMBER, 3));
    }

    /// Leaves the cell's packed version.
    pub(super) fn version(&mut self, slot: u32) {
        self.slots.insert(slot);
        self.i32(0);
        self.op().i64_load(cell(slot, abi::CELL_VERSION, 3));
    }

    pub(super) fn finish(mut self) -> Function {
        self.op().end();
        let mut function = Function::new_with_locals_types(self.locals);
        function.raw(self.bytes);
        function
    }
}

fn cell(slot: u32, field: u32, align: u32) -> MemArg {
    let offset = abi::SLOTS_AT + slot * abi::CELL_BYTES + field;
    MemArg { offset: u64::from(offset), align, memory_index: 0 }
}
