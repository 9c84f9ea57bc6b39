//! A function's body while it is written.
//!
//! Its first parameter is the flag's number. Constants that come of the rule's data are kept apart from the
//! instructions, so that rules which differ in them alone can have one function, which takes them as parameters.

use std::collections::BTreeSet;

use burgee_guest::abi::{self, HostFunction};
use wasm_encoder::{BlockType, Function, Ieee64, InstructionSink, MemArg, ValType};

/// A body: instructions, locals, and what it was found to use.
#[derive(Debug, Default)]
pub(super) struct Code {
    /// The instructions, but those of the marks.
    bytes: Vec<u8>,
    /// Instructions that depend on how many parameters there are, by where they stand.
    marks: Vec<(usize, Mark)>,
    constants: Vec<Constant>,
    locals: Vec<ValType>,
    /// The slots that it reads, or that a function reads that it calls.
    pub(super) slots: BTreeSet<u32>,
    /// Whether it, or a function that it calls, calls the host.
    pub(super) calls_host: bool,
}

/// A constant that comes of a rule's data.
#[derive(Clone, Copy, Debug)]
pub(super) enum Constant {
    I32(i32),
    I64(i64),
    F64(f64),
}

/// A local of a body, counted from its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Local(u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Mark {
    /// Leaves the next constant.
    Constant(ValType),
    Get(Local),
    Set(Local),
    Tee(Local),
}

/// What two bodies have in common that differ in constants alone.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Shape<'c>(&'c [u8], &'c [(usize, Mark)], &'c [ValType]);

/// Where a finished body has its constants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Constants {
    /// Among its instructions.
    Inline,
    /// They are parameters, behind the flag's number.
    Parameters,
}

impl Constant {
    pub(super) fn of(self) -> ValType {
        match self {
            Self::I32(_) => ValType::I32,
            Self::I64(_) => ValType::I64,
            Self::F64(_) => ValType::F64,
        }
    }

    pub(super) fn leave(self, mut sink: InstructionSink<'_>) {
        match self {
            Self::I32(value) => sink.i32_const(value),
            Self::I64(value) => sink.i64_const(value),
            Self::F64(value) => sink.f64_const(Ieee64::from(value)),
        };
    }
}

/// The type of a block that leaves an `i32`.
pub(super) const I32: BlockType = BlockType::Result(ValType::I32);

impl Code {
    /// Where instructions go.
    pub(super) fn op(&mut self) -> InstructionSink<'_> {
        InstructionSink::new(&mut self.bytes)
    }

    /// A new local.
    pub(super) fn local(&mut self, of: ValType) -> Local {
        self.locals.push(of);
        #[allow(clippy::cast_possible_truncation, reason = "a rule has at most NODES_MAX expressions")]
        Local(self.locals.len() as u32 - 1)
    }

    pub(super) fn get(&mut self, local: Local) {
        self.marks.push((self.bytes.len(), Mark::Get(local)));
    }

    pub(super) fn set(&mut self, local: Local) {
        self.marks.push((self.bytes.len(), Mark::Set(local)));
    }

    pub(super) fn tee(&mut self, local: Local) {
        self.marks.push((self.bytes.len(), Mark::Tee(local)));
    }

    /// Leaves a constant that comes of the rule's data.
    pub(super) fn constant(&mut self, constant: Constant) {
        self.marks.push((self.bytes.len(), Mark::Constant(constant.of())));
        self.constants.push(constant);
    }

    /// Leaves the flag's number.
    pub(super) fn flag_number(&mut self) {
        self.op().local_get(0);
    }

    pub(super) fn shape(&self) -> Shape<'_> {
        Shape(&self.bytes, &self.marks, &self.locals)
    }

    pub(super) fn constants(&self) -> &[Constant] {
        &self.constants
    }

    /// The types of its parameters.
    pub(super) fn parameters(&self, constants: Constants) -> Vec<ValType> {
        let own = self.constants.iter().map(|constant| constant.of()).filter(|_| constants == Constants::Parameters);
        std::iter::once(ValType::I32).chain(own).collect()
    }

    /// Leaves an `i32` that every rule of this shape has.
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

    pub(super) fn finish(&self, constants: Constants) -> Function {
        #[allow(clippy::cast_possible_truncation, reason = "a rule has at most NODES_MAX expressions")]
        let parameters = self.parameters(constants).len() as u32;
        let (mut bytes, mut written, mut left) = (Vec::with_capacity(self.bytes.len()), 0, (1..).zip(&self.constants));
        for (at, mark) in &self.marks {
            bytes.extend_from_slice(self.bytes.get(written..*at).unwrap_or_default());
            written = *at;
            let mut sink = InstructionSink::new(&mut bytes);
            match mark {
                Mark::Constant(_) => match (left.next(), constants) {
                    (Some((_, constant)), Constants::Inline) => constant.leave(sink),
                    (Some((parameter, _)), Constants::Parameters) => drop(sink.local_get(parameter)),
                    (None, _) => {}
                },
                Mark::Get(Local(local)) => drop(sink.local_get(parameters + local)),
                Mark::Set(Local(local)) => drop(sink.local_set(parameters + local)),
                Mark::Tee(Local(local)) => drop(sink.local_tee(parameters + local)),
            }
        }
        bytes.extend_from_slice(self.bytes.get(written..).unwrap_or_default());
        InstructionSink::new(&mut bytes).end();
        let mut function = Function::new_with_locals_types(self.locals.iter().copied());
        function.raw(bytes);
        function
    }
}

fn cell(slot: u32, field: u32, align: u32) -> MemArg {
    let offset = abi::SLOTS_AT + slot * abi::CELL_BYTES + field;
    MemArg { offset: u64::from(offset), align, memory_index: 0 }
}
