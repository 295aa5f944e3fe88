#!/usr/bin/env python3
# Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Derives the polynomials of lib/Conversion/TilesToCPU/Polynomials.inc. Needs mpmath.

    python3 scripts/fit_polynomials.py > lib/Conversion/TilesToCPU/Polynomials.inc

Each polynomial is a least-squares fit at Chebyshev nodes, weighted by the function's own error measure, which is within a small factor
of the minimax fit. Coefficients are rounded to the format one by one, lowest degree first, and those above are fitted again after each, so
that they make up for its rounding. The comment behind a table is the largest weighted error, with exact arithmetic, of the rounded
coefficients on a fine grid: for reference, half an ulp is 2^-24 (f32) or 2^-53 (f64).
"""
import textwrap

import mpmath as mp

mp.mp.dps = 50


def rounded(c, bits):
    """c to `bits` bits, to nearest."""
    if c == 0:
        return mp.mpf(0)
    e = mp.floor(mp.log(abs(c), 2)) + 1
    unit = mp.ldexp(1, int(e) - bits)
    return mp.nint(c / unit) * unit


def nodes(a, b, n):
    return [(a + b) / 2 + (b - a) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]


def fit(f, weight, a, b, degree, bits):
    """Coefficients c0.. of p(x) ~ f(x) on [a, b], and max of |p - f| * weight."""
    a, b = mp.mpf(a), mp.mpf(b)
    xs = nodes(a, b, 2 * degree + 8)
    ws = [weight(x) for x in xs]
    rest = [f(x) for x in xs]
    fixed = []
    for k in range(degree + 1):
        rows, n = len(xs), degree + 1 - k
        m = mp.matrix(rows, n)
        r = mp.matrix(rows, 1)
        for i, (x, w) in enumerate(zip(xs, ws)):
            for j in range(n):
                m[i, j] = w * x ** (k + j)
            r[i] = w * rest[i]
        c = rounded(mp.qr_solve(m, r)[0][0], bits)
        fixed.append(c)
        rest = [y - c * x**k for x, y in zip(xs, rest)]
    grid = [a + (b - a) * i / 400 for i in range(401)]
    error = max(abs(mp.polyval(fixed[::-1], x) - f(x)) * weight(x) for x in grid)
    return fixed, error


def fit_ratio(f, weight, top, degrees, start, bits):
    """Coefficients of p(x^2) / q(x^2) ~ f(x) on [0, top], both `start` at 0, and max of |p/q - f| * weight."""
    xs = nodes(mp.mpf(0), mp.mpf(top), 40)
    unknown = sorted((k, side) for side in (0, 1) for k in range(1, degrees[side] + 1))
    tables = [[mp.mpf(start)] + [mp.mpf(0)] * degree for degree in degrees]

    def values(x):
        return [mp.polyval(table[::-1], x * x) for table in tables]

    def solve(free):
        """The rest of the coefficients, linear in what q f - p is, weighted by the last q."""
        m, r = mp.matrix(len(xs), len(free)), mp.matrix(len(xs), 1)
        last = [values(x)[1] for x in xs]
        for k, side in free:
            tables[side][k] = mp.mpf(0)
        for i, x in enumerate(xs):
            w, (p, q) = weight(x) / last[i], values(x)
            for j, (k, side) in enumerate(free):
                m[i, j] = w * x ** (2 * k) * (f(x) if side else -1)
            r[i] = w * (p - q * f(x))
        for (k, side), c in zip(free, mp.qr_solve(m, r)[0]):
            tables[side][k] = c

    for _ in range(8):
        solve(unknown)
    for i, (k, side) in enumerate(unknown):
        tables[side][k] = rounded(tables[side][k], bits)
        if unknown[i + 1:]:
            solve(unknown[i + 1:])
    grid = [mp.mpf(top) * i / 400 for i in range(401)]
    return tables, max(abs(p / q - f(x)) * weight(x) for x in grid for p, q in [values(x)])


def safe(f, at0):
    return lambda x: at0 if x == 0 else f(x)


def emit(name, what, bits, result):
    coefficients, error = result
    suffix = "F32" if bits == 24 else "F64"
    digits = 9 if bits == 24 else 17
    values = [mp.nstr(c, digits, strip_zeros=True, min_fixed=-3, max_fixed=5) for c in coefficients]
    text = textwrap.fill(", ".join(values), 108, initial_indent="    ", subsequent_indent="    ")
    print(f"/// {what} (2^{mp.nstr(mp.log(error, 2), 4)})")
    print(f"static constexpr double k{name}{suffix}[] = {{\n{text}}};")


def expm1_tail(r):
    """(e^r - 1 - r) / r^2."""
    return sum(r**k / mp.factorial(k + 2) for k in range(0, 30))


def log_tail(z):
    """(log((1+s)/(1-s)) - 2s) / (s z) with z = s^2."""
    return sum(2 * z**k / (2 * k + 3) for k in range(0, 60))


def sin_tail(z):
    return sum((-1) ** (k + 1) * z**k / mp.factorial(2 * k + 3) for k in range(0, 25))


def cos_tail(z):
    return sum((-1) ** k * z**k / mp.factorial(2 * k + 4) for k in range(0, 25))


def erf_head(z):
    """erf(x) / x - 1 with z = x^2."""
    return 2 / mp.sqrt(mp.pi) * sum((-1) ** k * z**k / (mp.factorial(k) * (2 * k + 1)) for k in range(0, 60)) - 1


def atan_tail(z):
    return safe(lambda z: (mp.atan(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, -mp.mpf(1) / 3)(z)


def main():
    half_ln2 = mp.log(2) / 2 * mp.mpf("1.001")
    s2 = ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mp.mpf("1.001")
    quarter = (mp.pi / 4) ** 2 * mp.mpf("1.01")
    print("//===- Polynomials.inc - coefficients, written by scripts/fit_polynomials.py -===//")
    print("// Part of Weir, under the Apache License v2.0 with LLVM Exceptions. See LICENSE.")
    print("// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception")
    print("// Lowest degree first; in brackets the largest error of the exact polynomial, relative to the function's value.")
    for bits, d in ((24, dict(exp=4, exp2=5, log=3, sin=2, cos=2, erf=6, erfc=9, atan=8)),
                    (53, dict(exp=9, exp2=10, log=7, sin=6, cos=6, erf=13, erfc=24, atan=21))):
        emit("Expm1", "(e^r - 1 - r) / r^2, |r| <= ln(2)/2", bits,
             fit(expm1_tail, lambda r: safe(lambda r: abs(r * r / mp.expm1(r)), 0)(r), -half_ln2, half_ln2, d["exp"], bits))
        emit("Exp2", "(2^f - 1) / f, |f| <= 1/2", bits,
             fit(safe(lambda f: (mp.power(2, f) - 1) / f, mp.log(2)), lambda f: abs(f) / mp.power(2, f), -0.5, 0.5, d["exp2"], bits))
        emit("Log", "(log((1+s)/(1-s)) - 2s) / s^3 over z = s^2, sqrt(1/2) <= (1+s)/(1-s) <= sqrt(2)", bits,
             fit(log_tail, lambda z: z / 2, 0, s2, d["log"], bits))
        emit("Sin", "(sin(x) - x) / x^3 over z = x^2, |x| <= pi/4", bits, fit(sin_tail, lambda z: z, 0, quarter, d["sin"], bits))
        emit("Cos", "(cos(x) - 1 + z/2) / z^2 over z = x^2, |x| <= pi/4", bits,
             fit(cos_tail, lambda z: z * z / mp.cos(mp.sqrt(z)), 0, quarter, d["cos"], bits))
        emit("Erf", "erf(x) / x - 1 over z = x^2, |x| <= 0.9", bits,
             fit(erf_head, lambda z: 1 / (erf_head(z) + 1), 0, mp.mpf("0.82"), d["erf"], bits))
        top = mp.mpf(4) if bits == 24 else mp.mpf("6")
        emit("LogErfc", f"-log(1 - erf(x)) over x - 2, 0.9 <= x <= {mp.nstr(top, 3)}", bits,
             fit(lambda t: -mp.log(mp.erfc(t + 2)), lambda t: mp.erfc(t + 2) / mp.erf(t + 2), mp.mpf("0.9") - 2, top - 2, d["erfc"], bits))
        emit("Atan", "(atan(q) - q) / q^3 over z = q^2, 0 <= q <= 1", bits,
             fit(atan_tail, lambda z: safe(lambda z: z * mp.sqrt(z) / mp.atan(mp.sqrt(z)), 0)(z), 0, 1, d["atan"], bits))
    # 2 tanh(x/2) counts in tanh(x) by 1/cosh(x) only. Sums that start at 1.85 and their squares are in the upper half of a binade, where a
    # rounding is half as large as in the lower one.
    (numerator, denominator), error = fit_ratio(safe(lambda x: 2 * mp.tanh(x / 2) / x, 1), lambda x: mp.sech(x) * safe(lambda x: x / 2 / mp.tanh(x / 2), 1)(x),
                                                "9.1", (2, 3), rounded(mp.mpf("1.85"), 24), 24)
    emit("TanhNumerator", "2 tanh(x/2) / x = numerator / denominator over x^2, 0 <= x <= 9.1, as it counts in tanh(x)", 24, (numerator, error))
    emit("TanhDenominator", "as TanhNumerator", 24, (denominator, error))
    # Short forms in f64 for powers of f32, where 2^-36 is enough.
    emit("LogShort", "as Log, for powers of f32", 53, fit(log_tail, lambda z: z / 2, 0, s2, 4, 53))
    emit("Exp2Short", "as Exp2, for powers of f32", 53,
         fit(safe(lambda f: (mp.power(2, f) - 1) / f, mp.log(2)), lambda f: abs(f) / mp.power(2, f), -0.5, 0.5, 6, 53))
    # For powers of f64 the cubic term is a pair of numbers: what is left starts at s^5.
    emit("LogFifth", "(log((1+s)/(1-s)) - 2s - 2/3 s^3) / s^5 over z = s^2", 53,
         fit(lambda z: sum(2 * z**k / (2 * k + 5) for k in range(0, 60)), lambda z: z * z / 2, 0, s2, 6, 53))


main()
