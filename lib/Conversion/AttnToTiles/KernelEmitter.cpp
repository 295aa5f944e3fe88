//===- KernelEmitter.cpp - one cascade as the functions of a kernel -------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "KernelEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "weir/Support/KernelContract.h"

using namespace mlir;
using namespace weir;
using namespace weir::attn;
using namespace weir::tiles;

KernelEmitter::KernelEmitter(func::FuncOp cascade, unsigned lanes, int64_t chunks, bool allocated, int64_t concurrent)
    : cascade(cascade), lanes(lanes), chunks(chunks ? chunks : kMaxChunks), allocated(allocated),
      concurrent(concurrent ? concurrent : kMaxChunks), extents(cascade), presences(extents), emitter(extents, presences, dependence) {
  emitter.maxLanes = lanes;
}

static bool readsTensor(Operation *op) {
  return op->walk([](ReadOp) { return WalkResult::interrupt(); }).wasInterrupted();
}

/// Promises on extents are kept aside; those on values are the caller's word, and what only they read is not computed.
void KernelEmitter::clean() {
  SmallVector<Operation *> ops;
  for (Operation &op : cascade.getBody().front())
    ops.push_back(&op);
  for (Operation *op : llvm::reverse(ops)) {
    if (auto given = dyn_cast<GivenOp>(op)) {
      if (given.getCoords().empty() && !readsTensor(op))
        checks.push_back(op);
      else
        op->erase();
    } else if (isa<EinsumOp, ArgtopkOp, RecurrenceOp, StreamOp, MaterializeOp>(op) && op->use_empty()) {
      op->erase();
    } else if (isa<RankOp>(op)) {
      checks.push_back(op);
    }
  }
  std::reverse(checks.begin(), checks.end());
}

static MemRefType memoryOf(RankedTensorType type) {
  Type element = getStorageType(type.getElementType());
  SmallVector<int64_t> strides(type.getRank(), ShapedType::kDynamic);
  if (strides.empty())
    return MemRefType::get({}, element);
  strides.back() = 1;
  return MemRefType::get(type.getShape(), element, StridedLayoutAttr::get(type.getContext(), 0, strides));
}

func::FuncOp KernelEmitter::makeFunction(StringRef suffix, ArrayRef<Type> extra, ArrayRef<Type> results) {
  OpBuilder b(cascade);
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attrs;
  auto add = [&](Type type, DictionaryAttr dict, bool isOutput) {
    NamedAttrList list(dict ? dict : b.getDictionaryAttr({}));
    if (auto tensor = dyn_cast<RankedTensorType>(type)) {
      list.set(kType, TypeAttr::get(tensor.getElementType()));
      type = memoryOf(tensor);
    }
    if (isOutput && suffix.empty())
      list.set(kOutputAttr, b.getUnitAttr());
    types.push_back(type);
    attrs.push_back(list.getDictionary(b.getContext()));
  };
  for (unsigned i = 0; i < cascade.getNumArguments(); ++i)
    add(cascade.getArgumentTypes()[i], cascade.getArgAttrDict(i), false);
  for (unsigned i = 0; i < cascade.getNumResults(); ++i)
    add(cascade.getResultTypes()[i], cascade.getResultAttrDict(i), true);
  for (Type type : extra) {
    types.push_back(type);
    attrs.push_back(b.getDictionaryAttr({}));
  }
  auto function = func::FuncOp::create(b, cascade.getLoc(), (cascade.getName() + suffix).str(),
                                       b.getFunctionType(types, results));
  function.setAllArgAttrs(attrs);
  Block *entry = function.addEntryBlock();
  unsigned first = cascade.getNumArguments();
  outputs.assign(entry->args_begin() + first, entry->args_begin() + first + cascade.getNumResults());
  return function;
}

/// One of the cascade's operations outside equations: extents and the arithmetic of params.
void KernelEmitter::emitScalar(Builder &b, Operation *op, func::FuncOp function) {
  Value result = op->getResult(0);
  auto keep = [&](Value v) {
    if (result.getType().isIndex())
      indices[result] = v;
    else
      emitter.bind(result, {v, nullptr, nullptr});
  };
  if (auto dim = dyn_cast<tensor::DimOp>(op)) {
    unsigned tensor = cast<BlockArgument>(dim.getSource()).getArgNumber();
    keep(memref::DimOp::create(b, function.getArgument(tensor), *dim.getConstantIndex()));
  } else if (auto cast = dyn_cast<arith::IndexCastOp>(op)) {
    bool fromIndex = cast.getIn().getType().isIndex();
    keep(fromIndex ? toInt(b, indices.lookup(cast.getIn())) : toIndex(b, emitter.emit(b, cast.getIn()).value));
  } else if (isa<arith::ConstantOp>(op)) {
    keep(b.clone(*op)->getResult(0));
  } else if (auto rank = dyn_cast<RankOp>(op)) {
    Lane lane = emitter.emit(b, rank.getValue());
    Value zero = constantInt(b, b.getI64Type(), 0), v = lane.value;
    if (lane.present)
      v = arith::SelectOp::create(b, lane.present, v, zero);
    keep(toIndex(b, arith::MaxSIOp::create(b, v, zero)));
  } else {
    emitter.emit(b, result);
  }
}

Value KernelEmitter::extentOf(Value extent) { return emitter.extentValues.lookup(extents.of(extent)); }

void KernelEmitter::prologue(Builder &b, func::FuncOp function) {
  indices.clear();
  emitter.extentValues.clear();
  b.setInsertionPointToEnd(&function.getBody().front());
  for (BlockArgument arg : cascade.getArguments()) {
    Value mirror = function.getArgument(arg.getArgNumber());
    auto type = dyn_cast<RankedTensorType>(arg.getType());
    if (!type) {
      emitter.bind(arg, {mirror, nullptr, nullptr});
      continue;
    }
    for (int64_t k = 0; k < type.getRank(); ++k) {
      std::string name = extents.ofDim(arg, k);
      if (emitter.extentValues.count(name))
        continue;
      auto constant = Extents::constant(name);
      emitter.extentValues[name] = constant ? constantIndex(b, *constant)
                                            : memref::DimOp::create(b, mirror, k).getResult();
    }
    Storage storage;
    storage.data = mirror;
    storage.domain.emplace();
    storage.elementType = type.getElementType();
    storage.packed = type.getElementType().isInteger(4);
    storage.kept.assign(type.getRank(), true);
    emitter.storages[arg] = storage;
  }
  for (Operation &op : cascade.getBody().front())
    if (op.getNumResults() == 1 && (isa<arith::ArithDialect, tensor::TensorDialect>(op.getDialect()) ||
                                    (isa<AttnDialect>(op.getDialect()) && !isa<TensorType>(op.getResult(0).getType()))))
      emitScalar(b, &op, function);
  cascade.walk([&](Operation *op) {
    for (Value operand : op->getOperands())
      if (operand.getType().isIndex() && indices.count(operand))
        emitter.extentValues.try_emplace(extents.of(operand), indices.lookup(operand));
  });
}

void KernelEmitter::emitChecks() {
  SmallVector<Attribute> texts;
  auto function = makeFunction(kCheckSuffix, {}, {IntegerType::get(cascade.getContext(), 64)});
  Builder b(cascade.getLoc(), cascade.getContext());
  auto outer = emitter.scope();
  prologue(b, function);
  Value verdict = constantInt(b, b.getI64Type(), 0);
  for (auto [i, op] : llvm::enumerate(llvm::reverse(checks))) {
    Value holds;
    if (auto rank = dyn_cast<RankOp>(op)) {
      Lane lane = emitter.emit(b, rank.getValue());
      Value fits = arith::CmpIOp::create(b, arith::CmpIPredicate::sge, lane.value, constantInt(b, b.getI64Type(), 0));
      holds = conjunction(b, emitter, fits, lane.present);
    } else {
      Lane lane = emitter.emit(b, cast<GivenOp>(op).getYield().getValues()[0]);
      Value one = constantInt(b, b.getI1Type(), 1);
      holds = lane.present
                  ? arith::OrIOp::create(b, lane.value, arith::XOrIOp::create(b, lane.present, one)).getResult()
                  : lane.value;
    }
    Value number = constantInt(b, b.getI64Type(), checks.size() - i);
    verdict = arith::SelectOp::create(b, holds, verdict, number);
  }
  func::ReturnOp::create(b, verdict);
}

void KernelEmitter::emitExtents() {
  MLIRContext *context = cascade.getContext();
  auto list = MemRefType::get({ShapedType::kDynamic}, IntegerType::get(context, 64));
  auto function = makeFunction(kExtentsSuffix, {list}, {});
  Builder b(cascade.getLoc(), context);
  auto outer = emitter.scope();
  prologue(b, function);
  Value out = function.getArguments().back();
  int64_t at = 0;
  for (Value result : cascade.getBody().front().getTerminator()->getOperands()) {
    auto materialize = result.getDefiningOp<MaterializeOp>();
    Value tensor = materialize ? materialize.getSource() : result;
    for (int64_t k = 0; k < cast<RankedTensorType>(result.getType()).getRank(); ++k) {
      Value extent = emitter.extentValues.lookup(extents.ofDim(tensor, k));
      memref::StoreOp::create(b, toInt(b, extent), out, ValueRange{constantIndex(b, at++)});
    }
  }
  func::ReturnOp::create(b);
}

/// What a kernel's caller may build once for many calls: the tiles that streams visit, where inputs alone say that.
void KernelEmitter::emitPlan() {
  MLIRContext *context = cascade.getContext();
  Builder b(cascade.getLoc(), context);
  auto bytes = MemRefType::get({ShapedType::kDynamic}, IntegerType::get(context, 8));
  {
    auto function = makeFunction(kPlannerSuffix, {bytes}, {});
    function->setAttr(kPlanAttr, b.getUnitAttr());
    auto outer = emitter.scope();
    prologue(b, function);
    workspace = Value();
    planMemory = function.getArguments().back();
    layOutPlan(b);
    openBuffers(b, -1, constantIndex(b, 0));
    for (const Buffer &buffer : buffers)
      if (buffer.role == Buffer::Lists && buffer.isPlanned)
        emitLists(b, cast<StreamOp>(buffer.product));
    func::ReturnOp::create(b);
  }
  auto function = makeFunction(kPlanBytesSuffix, {}, {b.getI64Type()});
  auto outer = emitter.scope();
  prologue(b, function);
  func::ReturnOp::create(b, toInt(b, layOutPlan(b)));
}

void KernelEmitter::run() {
  clean();
  planGroups();
  planSteps();
  planBuffers();
  MLIRContext *context = cascade.getContext();
  Builder b(cascade.getLoc(), context);
  bool hasPlan = llvm::any_of(buffers, [](const Buffer &buffer) { return buffer.isPlanned; });
  {
    auto bytes = MemRefType::get({ShapedType::kDynamic}, IntegerType::get(context, 8));
    auto function = makeFunction("", SmallVector<Type>(hasPlan ? 2 : 1, bytes), {});
    function->setAttr(kKernelAttr, b.getUnitAttr());
    SmallVector<Attribute> texts;
    for (Operation *op : checks)
      texts.push_back(isa<GivenOp>(op)
                          ? cast<GivenOp>(op).getSourceAttr()
                          : b.getStringAttr("the extent of rank " + cast<RankOp>(op).getName() + " is not negative"));
    function->setAttr(kChecksAttr, b.getArrayAttr(texts));
    auto outer = emitter.scope();
    prologue(b, function);
    workspace = function.getArguments().back();
    layOut(b);
    if (hasPlan) {
      unsigned plan = function.getNumArguments() - 2;
      function.setArgAttr(plan, kPlanAttr, b.getUnitAttr());
      planMemory = function.getArgument(plan);
      layOutPlan(b);
    }
    openBuffers(b, -1, constantIndex(b, 0));
    for (unsigned i = 0; i < groups.size(); ++i)
      emitGroup(b, i);
    func::ReturnOp::create(b);
  }
  {
    auto function = makeFunction(kWorkspaceSuffix, {}, {b.getI64Type()});
    auto outer = emitter.scope();
    prologue(b, function);
    func::ReturnOp::create(b, toInt(b, layOut(b)));
  }
  emitChecks();
  emitExtents();
  if (hasPlan)
    emitPlan();
}
