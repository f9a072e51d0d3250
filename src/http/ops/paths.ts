export const opsPath = '/ops'
export const boardPath = `${opsPath}/queues`
export const boardStylesPath = `${opsPath}/board.css`
export const signOutPath = `${opsPath}/sign-out`
