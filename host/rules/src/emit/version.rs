//! `sem_ver`: plain releases are compared as numbers, anything else by the host.

use burgee_guest::abi::{self, HostFunction};
use wasm_encoder::ValType;

use super::{
    code::{Constant, I32},
    code_of_version_op,
    expr::{Emitter, Use, plain},
};
use crate::{
    SHORT_TEXT_BYTES,
    ir::{Expr, VersionOp},
    ops::sem_ver::Version,
};

impl<'r> Emitter<'_, 'r> {
    /// Leaves the operand of a comparison of versions: true, false or null.
    pub(super) fn sem_ver(&mut self, left: &'r Expr, op: VersionOp, right: &'r Expr) {
        match (self.slot_of(left), packed(right)) {
            (Some(slot), Some(constant)) => self.with_release(slot, op, constant, left, right),
            _ => self.sem_ver_by_host(left, op, right),
        }
    }

    fn sem_ver_by_host(&mut self, left: &'r Expr, op: VersionOp, right: &'r Expr) {
        self.code.flag_number();
        self.code.i32(code_of_version_op(op));
        self.value(left, Use::Operand);
        self.value(right, Use::Operand);
        self.code.host(HostFunction::SemVer);
    }

    fn with_release(&mut self, slot: u32, op: VersionOp, constant: u64, left: &'r Expr, right: &'r Expr) {
        if let Some(input) = self.tables.input(slot) {
            input.needs_version = true;
        }
        let version = self.code.local(ValType::I64);
        self.code.version(slot);
        self.code.tee(version);
        self.code.op().i64_const(abi::VERSION_UNKNOWN.cast_signed()).i64_eq().if_(I32);
        self.sem_ver_by_host(left, op, right);
        self.code.op().else_().i32_const(abi::FALSE);
        self.code.get(version);
        self.relation_of_releases(op, constant);
        self.code.op().i32_sub().end();
    }

    fn relation_of_releases(&mut self, op: VersionOp, constant: u64) {
        let shift = match op {
            VersionOp::SameMajor => abi::VERSION_MAJOR_SHIFT,
            VersionOp::SameMinor => abi::VERSION_MINOR_SHIFT,
            _ => 0,
        };
        if shift > 0 {
            self.code.op().i64_const(i64::from(shift)).i64_shr_u();
        }
        self.code.constant(Constant::I64((constant >> shift).cast_signed()));
        let mut sink = self.code.op();
        match op {
            VersionOp::Equal | VersionOp::SameMajor | VersionOp::SameMinor => sink.i64_eq(),
            VersionOp::NotEqual => sink.i64_ne(),
            VersionOp::Less => sink.i64_lt_u(),
            VersionOp::LessOrEqual => sink.i64_le_u(),
            VersionOp::Greater => sink.i64_gt_u(),
            VersionOp::GreaterOrEqual => sink.i64_ge_u(),
        };
    }
}

/// The constant as a plain release. Reading a long text is charged, so that is left to the host.
fn packed(expr: &Expr) -> Option<u64> {
    let Expr::Literal(value) = plain(expr) else { return None };
    let text = Version::text(value).filter(|text| text.len() <= SHORT_TEXT_BYTES)?;
    pack_version(&Version::parse(&text)?)
}

/// A version as a number for cells, where it is a plain release.
#[must_use]
pub fn pack_version(version: &Version) -> Option<u64> {
    if !version.pre_release.is_empty() {
        return None;
    }
    abi::pack_version(version.major, version.minor, version.patch)
}
