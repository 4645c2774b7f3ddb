# SPDX-License-Identifier: Apache-2.0
"""One file a target: each turns the model into the text or bytes of its files and writes nothing."""
