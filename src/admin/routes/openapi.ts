import { createOpenApi } from '../openapi.ts'
import { defineOperation, jsonAnswer, type Operation } from '../operation.ts'

/** The operation that describes all others, and itself. */
export function createOpenApiOperation(operations: readonly Operation[], basePath: string): Operation {
  const operation: Operation = defineOperation({
    id: 'getOpenApi',
    method: 'GET',
    path: '/api/v1/openapi.json',
    role: 'viewer',
    summary: 'This API as OpenAPI 3.1, made from the schemas that validate.',
    answers: { 200: { description: 'The description.', contentType: 'application/json' } },
    async handle() {
      return jsonAnswer(200, createOpenApi([...operations, operation], basePath))
    },
  })
  return operation
}
