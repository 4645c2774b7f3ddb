// SPDX-License-Identifier: Apache-2.0
// Nothing: the headers that all tests share are precompiled for this file, and the tests use that again.
