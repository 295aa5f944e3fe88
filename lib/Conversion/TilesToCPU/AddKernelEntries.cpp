//===- AddKernelEntries.cpp - one calling convention for all kernels ------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs after OutlineParallelLoops, which gives a kernel its first argument. The order of slots is part of the
// contract with lib/Runtime (weir_kernel.h): as the arguments stand, a tensor as data pointer, extents,
// strides, and so a plan.
#include "dialects/Attention/AttentionDialect.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "weir/Conversion/TilesToCPU/Passes.h"
#include "weir/Support/KernelContract.h"

namespace weir {
#define GEN_PASS_DEF_ADDKERNELENTRIES
#include "weir/Conversion/TilesToCPU/Passes.h.inc"
} // namespace weir

using namespace mlir;

namespace {

/// A descriptor over `data`; sizes and strides that the type leaves open come from `extent(i)` and
/// `stride(i)`.
Value buildDescriptor(ImplicitLocOpBuilder &b, MemRefType type, Value data, const LLVMTypeConverter &types,
                      function_ref<Value(unsigned)> extent, function_ref<Value(unsigned)> stride) {
  Location loc = b.getLoc();
  auto descriptor = MemRefDescriptor::poison(b, loc, types.convertType(type));
  descriptor.setAllocatedPtr(b, loc, data);
  descriptor.setAlignedPtr(b, loc, data);
  descriptor.setConstantOffset(b, loc, 0);
  SmallVector<int64_t> strides = type.getStridesAndOffset().first;
  for (unsigned i = 0; i < type.getRank(); ++i) {
    if (type.isDynamicDim(i))
      descriptor.setSize(b, loc, i, extent(i));
    else
      descriptor.setConstantSize(b, loc, i, type.getDimSize(i));
    if (ShapedType::isDynamic(strides[i]))
      descriptor.setStride(b, loc, i, stride(i));
    else
      descriptor.setConstantStride(b, loc, i, strides[i]);
  }
  return UnrealizedConversionCastOp::create(b, type, Value(descriptor)).getResult(0);
}

/// Reads arguments out of the slots, one after another.
class SlotReader {
public:
  SlotReader(ImplicitLocOpBuilder &b, Value slots, const LLVMTypeConverter &types)
      : b(b), slots(slots), types(types) {}

  Value read(Type type) {
    auto memref = dyn_cast<MemRefType>(type);
    if (!memref) {
      Value bits = LLVM::LoadOp::create(b, type.isInteger(1) ? b.getI64Type() : type, slot(position++));
      return type.isInteger(1) ? LLVM::TruncOp::create(b, type, bits).getResult() : bits;
    }
    int32_t first = position;
    int32_t rank = memref.getRank();
    position += 1 + 2 * rank;
    Value data = LLVM::LoadOp::create(b, LLVM::LLVMPointerType::get(b.getContext()), slot(first));
    auto number = [&](int32_t at) -> Value { return LLVM::LoadOp::create(b, b.getI64Type(), slot(at)); };
    return buildDescriptor(
        b, memref, data, types, [&](unsigned i) { return number(first + 1 + i); },
        [&](unsigned i) { return number(first + 1 + rank + i); });
  }

private:
  Value slot(int32_t at) {
    return LLVM::GEPOp::create(b, LLVM::LLVMPointerType::get(b.getContext()), b.getI64Type(), slots,
                               ArrayRef<LLVM::GEPArg>{at});
  }

  ImplicitLocOpBuilder &b;
  Value slots;
  const LLVMTypeConverter &types;
  int32_t position = 0;
};

/// A one-dimensional dense memref over `data` with `size` entries.
Value wrapBuffer(ImplicitLocOpBuilder &b, Type type, Value data, Value size, const LLVMTypeConverter &types) {
  auto extent = [&](unsigned) { return size; };
  return buildDescriptor(b, cast<MemRefType>(type), data, types, extent, extent);
}

using weir::companionSuffixes;

struct AddKernelEntries : weir::impl::AddKernelEntriesBase<AddKernelEntries> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    LLVMTypeConverter types(&getContext());
    SmallVector<func::FuncOp> found;
    for (auto function : module.getOps<func::FuncOp>())
      if (function->hasAttr(weir::kKernelAttr))
        found.push_back(function);
    for (func::FuncOp kernel : found)
      if (failed(verify(kernel)))
        return signalPassFailure();
    if (!found.empty())
      module->setAttr(weir::kKernelsAttr, weir::describeKernels(module));
    for (func::FuncOp kernel : found) {
      addEntry(kernel, types);
      for (StringRef suffix : companionSuffixes)
        if (func::FuncOp companion = companionOf(kernel, suffix)) {
          addCompanionEntry(companion, types);
          forgetSignature(companion);
        }
      if (func::FuncOp planner = companionOf(kernel, weir::kPlannerSuffix)) {
        addEntry(planner, types);
        forgetSignature(planner);
      }
      forgetSignature(kernel);
    }
  }

  /// What an argument is to the user now stands on the module; the translation to LLVM IR would warn about it
  /// on the function.
  static void forgetSignature(func::FuncOp kernel) {
    for (unsigned i = 0; i < kernel.getNumArguments(); ++i)
      for (NamedAttribute attribute : mlir::function_interface_impl::getArgAttrs(kernel, i))
        if (attribute.getName().getValue().starts_with("attn.") || attribute.getName() == weir::kOutputAttr ||
            attribute.getName() == weir::kPlanAttr)
          kernel.removeArgAttr(i, attribute.getName());
  }

  func::FuncOp companionOf(func::FuncOp kernel, StringRef suffix) {
    return getOperation().lookupSymbol<func::FuncOp>((kernel.getName() + suffix).str());
  }

  static bool takesPlan(func::FuncOp kernel) {
    unsigned count = kernel.getNumArguments();
    return count > 2 && kernel.getArgAttr(count - 2, weir::kPlanAttr);
  }

  /// The arguments of a kernel without the runtime, the plan and the workspace.
  static ArrayRef<Type> interfaceOf(func::FuncOp kernel) {
    return kernel.getArgumentTypes().drop_front().drop_back(takesPlan(kernel) ? 2 : 1);
  }

  LogicalResult verify(func::FuncOp kernel) {
    ArrayRef<Type> types = kernel.getArgumentTypes();
    auto workspace = MemRefType::get({ShapedType::kDynamic}, IntegerType::get(&getContext(), 8));
    if (types.size() < 2 || !isa<LLVM::LLVMPointerType>(types.front()) || types.back() != workspace ||
        kernel.getNumResults())
      return kernel.emitOpError("is not a kernel as outline-parallel-loops leaves it: expected (!llvm.ptr, "
                                "tensors and params, ")
             << workspace << ") -> ()";
    int stage = 0; // 0: inputs, 1: params, 2: outputs
    for (auto [i, type] : llvm::enumerate(interfaceOf(kernel))) {
      int now = !isa<MemRefType>(type) ? 1 : kernel.getArgAttr(i + 1, weir::kOutputAttr) ? 2 : 0;
      if (now < stage)
        return kernel.emitOpError("argument ")
               << i << " stands in the wrong place: expected inputs, params, outputs";
      stage = now;
      if (!kernel.getArgAttrOfType<StringAttr>(i + 1, weir::attn::kName))
        return kernel.emitOpError("argument ") << i << " has no " << weir::attn::kName;
      if (auto memref = dyn_cast<MemRefType>(type)) {
        SmallVector<int64_t> strides;
        int64_t offset;
        if (failed(memref.getStridesAndOffset(strides, offset)) || offset != 0)
          return kernel.emitOpError("argument ")
                 << i << " has type " << type << ", expected strides and offset 0";
      } else if (!type.isF32() && !type.isF64() && !type.isInteger(64) && !type.isInteger(1)) {
        return kernel.emitOpError("argument ")
               << i << " has type " << type << ", expected a memref, f32, f64, i64 or i1";
      }
    }
    for (StringRef suffix : companionSuffixes)
      if (func::FuncOp companion = companionOf(kernel, suffix))
        if (companion.getArgumentTypes().take_front(interfaceOf(kernel).size()) != interfaceOf(kernel))
          return companion.emitOpError("takes other arguments than @") << kernel.getName();
    func::FuncOp planner = companionOf(kernel, weir::kPlannerSuffix);
    if (bool(planner) != takesPlan(kernel))
      return planner ? kernel.emitOpError("takes no plan, and @") << planner.getName() << " makes one"
                     : kernel.emitOpError("takes a plan, and there is no @") << kernel.getName() << weir::kPlannerSuffix;
    if (planner && (interfaceOf(planner) != interfaceOf(kernel) || planner.getArgumentTypes().back() != workspace))
      return planner.emitOpError("takes other arguments than @") << kernel.getName() << " and a plan";
    return success();
  }

  static func::FuncOp makeFunction(func::FuncOp after, ArrayRef<Type> arguments, TypeRange results) {
    OpBuilder outer(after);
    outer.setInsertionPointAfter(after);
    auto entry = func::FuncOp::create(outer, after.getLoc(), (after.getName() + weir::kEntrySuffix).str(),
                                      FunctionType::get(after.getContext(), arguments, results));
    entry.addEntryBlock();
    after.setPrivate();
    return entry;
  }

  void addEntry(func::FuncOp kernel, const LLVMTypeConverter &types) {
    Type ptr = LLVM::LLVMPointerType::get(&getContext()), i64 = IntegerType::get(&getContext(), 64);
    func::FuncOp entry = makeFunction(kernel, {ptr, ptr, ptr, i64}, {});
    ImplicitLocOpBuilder b = ImplicitLocOpBuilder::atBlockBegin(kernel.getLoc(), &entry.getBody().front());
    SlotReader slots(b, entry.getArgument(1), types);
    SmallVector<Value> arguments = {entry.getArgument(0)};
    for (Type type : kernel.getArgumentTypes().drop_front().drop_back())
      arguments.push_back(slots.read(type));
    arguments.push_back(
        wrapBuffer(b, kernel.getArgumentTypes().back(), entry.getArgument(2), entry.getArgument(3), types));
    func::CallOp::create(b, kernel, arguments);
    func::ReturnOp::create(b);
  }

  /// A companion without a result stores extents into its last argument.
  void addCompanionEntry(func::FuncOp companion, const LLVMTypeConverter &types) {
    Type ptr = LLVM::LLVMPointerType::get(&getContext());
    bool stores = companion.getNumResults() == 0;
    SmallVector<Type> takes(stores ? 2 : 1, ptr);
    func::FuncOp entry = makeFunction(companion, takes, companion.getResultTypes());
    ImplicitLocOpBuilder b = ImplicitLocOpBuilder::atBlockBegin(companion.getLoc(), &entry.getBody().front());
    SlotReader slots(b, entry.getArgument(0), types);
    SmallVector<Value> arguments;
    ArrayRef<Type> wanted = companion.getArgumentTypes();
    for (Type type : stores ? wanted.drop_back() : wanted)
      arguments.push_back(slots.read(type));
    if (stores) {
      Value many = LLVM::ConstantOp::create(b, b.getI64Type(), b.getI64IntegerAttr(INT64_MAX));
      arguments.push_back(wrapBuffer(b, wanted.back(), entry.getArgument(1), many, types));
    }
    auto call = func::CallOp::create(b, companion, arguments);
    func::ReturnOp::create(b, call.getResults());
  }
};

} // namespace
