//===- Names.h - reserved words and the letters of names ------------------===//
// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef WEIR_LIB_FRONTEND_NAMES_H
#define WEIR_LIB_FRONTEND_NAMES_H
#include "llvm/ADT/StringRef.h"
#include <string>

namespace weir::names {

/// What a reserved word is; None for a word that users may define.
enum class Word {
  None,
  Keyword,
  ElementType,
  Function,  // exp, floordiv ...
  Reduction, // sum ... logsumexp; `max` and `min` are functions too
  AlongRank, // softmax, cumsum ...: the index stays
  Selection, // argtopk, argsort
};

Word classify(llvm::StringRef name);
/// "a keyword", "a reduction": how a message calls it. Not for None.
llvm::StringRef describe(Word word);

/// `sum`, `softmax`, `argtopk` ...: what is written `op(coordinates) body`.
inline bool isReductionLike(Word word) {
  return word == Word::Reduction || word == Word::AlongRank || word == Word::Selection;
}
/// `max` and `min`: a reduction or a function's call, as what follows tells.
inline bool isReductionOrFunction(llvm::StringRef name) { return name == "max" || name == "min"; }
/// Reductions whose body may be a comparison.
inline bool takesComparison(llvm::StringRef name) {
  return name == "any" || name == "all" || name == "count";
}
/// Maps with an optional eps.
inline bool takesEps(llvm::StringRef name) {
  return name == "rmsnorm" || name == "layernorm" || name == "l2norm";
}
/// Reductions and selections of exactly one index.
inline bool takesOneIndex(llvm::StringRef name) {
  return name == "argmax" || name == "argmin" || name == "argtopk" || name == "argsort";
}

bool isUpperName(llvm::StringRef name); ///< a letter first and no lower-case letter: ranks, consts
bool isLowerName(llvm::StringRef name); ///< a lower-case letter first: coordinates, lets, params, functions
/// The coordinate of a rank: the whole name in lower case.
inline std::string coordinateOf(llvm::StringRef rank) { return rank.lower(); }

} // namespace weir::names
#endif
