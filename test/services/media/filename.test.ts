import { expect, it } from 'vitest'
import { filenameOf } from '../../../src/services/media/filename.ts'

it('reads the names that other servers give their files', () => {
  expect(filenameOf(undefined)).toBeUndefined()
  expect(filenameOf('inline')).toBeUndefined()
  expect(filenameOf('attachment; filename=plain.txt')).toBe('plain.txt')
  expect(filenameOf('attachment; FileName="with \\"quotes\\"; and more"')).toBe('with "quotes"; and more')
  expect(filenameOf(`inline; filename="_"; filename*=utf-8''%EA%B0%80.hwp`)).toBe('가.hwp')
  expect(filenameOf(`inline; filename*=UTF-8'ko'%E1%84%80%E1%85%A1; filename=x`)).toBe('가')
  expect(filenameOf(`inline; filename=fallback; filename*=utf-8''%FF`)).toBe('fallback')
  expect(filenameOf('inline; filename="../../etc/passwd"')).toBe('.._.._etc_passwd')
})
