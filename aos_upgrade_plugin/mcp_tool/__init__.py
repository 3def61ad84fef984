"""The workflow tool over MCP: mounted on any server, or served by ours. Loads the SDK: a second."""

from aos_upgrade_plugin.mcp_tool.registration import register_workflow_tools

__all__ = ["register_workflow_tools"]
