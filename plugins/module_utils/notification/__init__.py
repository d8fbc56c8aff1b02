# SPDX-License-Identifier: Apache-2.0
"""What a notification says. Pure.

A message comes as the operator gives it, full of texts of other people; it leaves as words, cleaned and bounded, which the
template of each channel puts in that channel's form.
"""
